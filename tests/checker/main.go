// Checker reads a log with nothing of ours: the Go toolchain's own packages for signed notes and
// tiled logs (golang.org/x/mod/sumdb), and its standard library.
//
//	checker -vkey KEY [-vkey KEY ...] [-old CHECKPOINT ...] [-proof FILE ...] DIR|URL
//
// It opens the checkpoint, hashes every entry, compares every tile with the one it makes itself,
// and the root with the signed one. Every file in the directory must belong to the log. Older checkpoints must be consistent with the latest; proofs
// must lead to theirs.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8
const width = 1 << height

type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func main() {
	var vkeys, olds, proofs list
	flag.Var(&vkeys, "vkey", "a key that must have signed the checkpoint")
	flag.Var(&olds, "old", "a file with an older checkpoint")
	flag.Var(&proofs, "proof", "a file with a proof of inclusion")
	flag.Parse()
	if err := check(flag.Arg(0), vkeys, olds, proofs); err != nil {
		fmt.Fprintln(os.Stderr, "checker:", err)
		os.Exit(1)
	}
}

func check(dir string, vkeys, olds, proofs []string) error {
	keys, err := verifiers(vkeys)
	if err != nil {
		return err
	}
	text, err := read(dir, "checkpoint")
	if err != nil {
		return err
	}
	tree, err := open(text, keys)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	hashes, err := rebuild(dir, tree)
	if err != nil {
		return err
	}
	for _, name := range olds {
		if err := consistent(name, tree, hashes, keys); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := fetch(dir, tree, hashes); err != nil {
		return err
	}
	for _, name := range proofs {
		if err := included(name, hashes, keys); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	fmt.Printf("size %d root %v keys %d olds %d proofs %d\n", tree.N, tree.Hash, len(keys), len(olds), len(proofs))
	return nil
}

// open checks that every key has signed the checkpoint.
func open(text []byte, keys []note.Verifier) (tlog.Tree, error) {
	n, err := note.Open(text, note.VerifierList(keys...))
	if err != nil {
		return tlog.Tree{}, err
	}
	if len(n.Sigs) != len(keys) {
		return tlog.Tree{}, fmt.Errorf("signed by %d of %d keys", len(n.Sigs), len(keys))
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return tlog.Tree{}, errors.New("not origin, size and root")
	}
	if lines[0] != keys[0].Name() {
		return tlog.Tree{}, fmt.Errorf("origin %q is not the name of the key", lines[0])
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, fmt.Errorf("size %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// rebuild makes the whole tree from the entries, and compares root and tiles with what is there.
func rebuild(dir string, tree tlog.Tree) (tlog.HashReader, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			if index >= int64(len(stored)) {
				return nil, fmt.Errorf("no hash %d", index)
			}
			out[i] = stored[index]
		}
		return out, nil
	})
	for at := int64(0); at < tree.N; at += width {
		count := min(width, tree.N-at)
		path := "tile/entries/" + index(at/width, count)
		bundle, err := read(dir, path)
		if err != nil {
			return nil, err
		}
		for i := range count {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return nil, fmt.Errorf("%s: ends within entry %d", path, i)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			hashes, err := tlog.StoredHashes(at+i, bundle[2:end], reader)
			if err != nil {
				return nil, err
			}
			stored = append(stored, hashes...)
			bundle = bundle[end:]
		}
		if len(bundle) > 0 {
			return nil, fmt.Errorf("%s: goes on behind its last entry", path)
		}
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return nil, err
	}
	if root != tree.Hash {
		return nil, fmt.Errorf("the entries have root %v, the checkpoint %v", root, tree.Hash)
	}
	for _, tile := range tlog.NewTiles(height, 0, tree.N) {
		made, err := tlog.ReadTileData(tile, reader)
		if err != nil {
			return nil, err
		}
		path := fmt.Sprintf("tile/%d/%s", tile.L, index(tile.N, int64(tile.W)))
		there, err := read(dir, path)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(made, there) {
			return nil, fmt.Errorf("%s is not what its entries say", path)
		}
	}
	return reader, strangers(dir, tree, reader)
}

// read reads a file of the log, from a directory or as HTTP serves it.
func read(log, path string) ([]byte, error) {
	if !strings.HasPrefix(log, "http") {
		return os.ReadFile(filepath.Join(log, path))
	}
	answer, err := http.Get(log + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound {
		return nil, fs.ErrNotExist
	}
	want := "application/octet-stream"
	if path == "checkpoint" {
		want = "text/plain; charset=utf-8"
	}
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != want {
		return nil, fmt.Errorf("%s: %s, %s", path, answer.Status, kind)
	}
	return io.ReadAll(answer.Body)
}

// strangers finds files that do not belong to a log of that size, and partial ones of older sizes that are
// not the beginning of what it has.
func strangers(dir string, tree tlog.Tree, hashes tlog.HashReader) error {
	if strings.HasPrefix(dir, "http") {
		return nil
	}
	beside, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range beside {
		switch entry.Name() {
		// Beside the public log, what it is made of.
		case "checkpoint", "tile", "keys", "keys.next", "wal", "lock", "private", "index":
		default:
			return fmt.Errorf("%s does not belong to a log", entry.Name())
		}
	}
	err = filepath.WalkDir(filepath.Join(dir, "tile"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return belongs(dir, filepath.ToSlash(name), tree, hashes)
	})
	if tree.N == 0 && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// belongs checks a file below tile: its name, that a tree of that size or below has it and, if it is
// partial, what is in it. The full ones were compared before.
func belongs(dir, name string, tree tlog.Tree, hashes tlog.HashReader) error {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(name, "tile/"), "/")
	place, part, partial := strings.Cut(rest, ".p/")
	n, w := int64(0), int64(width)
	for _, group := range strings.Split(place, "/") {
		digits, _ := strconv.ParseInt(strings.TrimPrefix(group, "x"), 10, 64)
		n = n*1000 + digits
	}
	if partial {
		w, _ = strconv.ParseInt(part, 10, 64)
	}
	level, bundle := 0, kind == "entries"
	if !bundle {
		level, _ = strconv.Atoi(kind)
		kind = strconv.Itoa(level)
	}
	if w < 1 || level < 0 || level > 7 || name != "tile/"+kind+"/"+index(n, w) {
		return fmt.Errorf("%s does not belong to a log", name)
	}
	if n*width+w > tree.N>>(height*level) {
		return fmt.Errorf("%s does not belong to a log of %d entries", name, tree.N)
	}
	if !partial {
		return nil
	}
	there, err := read(dir, name)
	if err != nil {
		return err
	}
	if bundle {
		there, err = leaves(there)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	made, err := tlog.ReadTileData(tlog.Tile{H: height, L: level, N: n, W: int(w)}, hashes)
	if err != nil {
		return err
	}
	if !bytes.Equal(made, there) {
		return fmt.Errorf("%s is not the beginning of what follows it", name)
	}
	return nil
}

// leaves is the tile over the entries of a bundle.
func leaves(bundle []byte) ([]byte, error) {
	var tile []byte
	for len(bundle) > 0 {
		if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
			return nil, errors.New("ends within an entry")
		}
		end := 2 + int(binary.BigEndian.Uint16(bundle))
		hash := tlog.RecordHash(bundle[2:end])
		tile = append(tile, hash[:]...)
		bundle = bundle[end:]
	}
	return tile, nil
}

// fetch proves entries with tiles as a client would read them, checked against the root alone.
func fetch(dir string, tree tlog.Tree, hashes tlog.HashReader) error {
	reader := tlog.TileHashReader(tree, &files{dir})
	step := max(1, tree.N/50)
	for at := int64(0); at < tree.N; at += step {
		proof, err := tlog.ProveRecord(tree.N, at, reader)
		if err != nil {
			return err
		}
		leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, at)})
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, at, leaf[0]); err != nil {
			return fmt.Errorf("entry %d: %w", at, err)
		}
	}
	return nil
}

func consistent(name string, tree tlog.Tree, hashes tlog.HashReader, keys []note.Verifier) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	old, err := open(text, keys)
	if err != nil {
		return err
	}
	if old.N == 0 {
		if old.Hash != sha256.Sum256(nil) {
			return errors.New("the empty tree has another root")
		}
		return nil
	}
	proof, err := tlog.ProveTree(tree.N, old.N, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
}

// included checks a file of the form c2sp.org/tlog-proof@v1 against an entry of this log.
func included(name string, hashes tlog.HashReader, keys []note.Verifier) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	head, checkpoint, found := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a proof")
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		if _, err := base64.StdEncoding.DecodeString(lines[0][6:]); err != nil {
			return err
		}
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return errors.New("no index")
	}
	at, err := strconv.ParseInt(lines[0][6:], 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	tree, err := open([]byte(checkpoint), keys)
	if err != nil {
		return err
	}
	leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, at)})
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, at, leaf[0])
}

// files reads tiles, the full one where a partial one is gone.
type files struct{ dir string }

func (f *files) Height() int { return height }

func (f *files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		level := fmt.Sprintf("tile/%d/", tile.L)
		data, err := read(f.dir, level+index(tile.N, int64(tile.W)))
		if errors.Is(err, fs.ErrNotExist) {
			data, err = read(f.dir, level+index(tile.N, width))
			data = data[:min(len(data), tile.W*tlog.HashSize)]
		}
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

func (f *files) SaveTiles([]tlog.Tile, [][]byte) {}

// index is the end of a path as C2SP writes it: x001/x234/067.p/8.
func index(n, w int64) string {
	out := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		out = fmt.Sprintf("x%03d/%s", n%1000, out)
	}
	if w < width {
		out += fmt.Sprintf(".p/%d", w)
	}
	return out
}

func verifiers(vkeys []string) ([]note.Verifier, error) {
	var out []note.Verifier
	for _, vkey := range vkeys {
		verifier, err := verifier(vkey)
		if err != nil {
			return nil, fmt.Errorf("key %.40s: %w", vkey, err)
		}
		out = append(out, verifier)
	}
	if len(out) == 0 {
		return nil, errors.New("no -vkey")
	}
	return out, nil
}

// verifier reads a key: Ed25519 by the toolchain's package, cosigners here.
func verifier(vkey string) (note.Verifier, error) {
	name, rest, _ := strings.Cut(vkey, "+")
	id, key64, _ := strings.Cut(rest, "+")
	key, err := base64.StdEncoding.DecodeString(key64)
	if err != nil || len(key) == 0 {
		return nil, errors.New("not base64")
	}
	hash := sha256.Sum256(append([]byte(name+"\n"), key...))
	if fmt.Sprintf("%x", hash[:4]) != id {
		return nil, errors.New("the id does not fit")
	}
	c := cosigner{name: name, hash: binary.BigEndian.Uint32(hash[:4])}
	switch key[0] {
	case 4:
		c.verify = func(time uint64, text, sig []byte) bool {
			msg := fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", time, text)
			return ed25519.Verify(key[1:], msg, sig)
		}
	case 6:
		public, err := mldsa.NewPublicKey(mldsa.MLDSA44(), key[1:])
		if err != nil {
			return nil, err
		}
		c.verify = func(time uint64, text, sig []byte) bool {
			msg, err := subtree(name, time, text)
			return err == nil && mldsa.Verify(public, msg, sig, nil) == nil
		}
	default:
		return note.NewVerifier(vkey)
	}
	return c, nil
}

type cosigner struct {
	name   string
	hash   uint32
	verify func(time uint64, text, sig []byte) bool
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(text, sig []byte) bool {
	return len(sig) > 8 && c.verify(binary.BigEndian.Uint64(sig), text, sig[8:])
}

// subtree is what an ML-DSA-44 cosigner signs: c2sp.org/tlog-cosignature.
func subtree(name string, time uint64, text []byte) ([]byte, error) {
	lines := strings.Split(string(text), "\n")
	if len(lines) < 3 {
		return nil, errors.New("no checkpoint")
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil {
		return nil, err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return nil, err
	}
	msg := []byte("subtree/v1\n\x00")
	msg = append(append(msg, byte(len(name))), name...)
	msg = binary.BigEndian.AppendUint64(msg, time)
	msg = append(append(msg, byte(len(lines[0]))), lines[0]...)
	msg = binary.BigEndian.AppendUint64(msg, 0)
	msg = binary.BigEndian.AppendUint64(msg, size)
	return append(msg, root[:]...), nil
}
