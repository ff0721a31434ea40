//! A log that its own keys have cut short: sound in itself, and found by whoever knows more.

use super::super::cosign::scene::Scene;
use super::*;
use crate::note::{Checkpoint, SignedCheckpoint};
use crate::tree::{Edge, Tile, entries_path, leaf_hash};
use crate::verify::{Trust, Witnessed};

/// Cuts the last records out of the write-ahead log and the tiles, and signs what is left with the real
/// keys. One segment and one tile.
fn cut(config: &Config, batches: usize) -> SignedCheckpoint {
    let dir = &config.dir;
    let ends = batch_ends(dir);
    let path = segment::path(dir, 0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[ends[ends.len() - 1 - batches]..].fill(0);
    fs::write(&path, bytes).unwrap();
    fs::remove_dir_all(dir.join("tile")).unwrap();

    let (mut edge, mut bundle) = (Edge::default(), Vec::new());
    for leaf in raw_leaves(dir) {
        bundle.extend_from_slice(&u16::try_from(leaf.len()).unwrap().to_be_bytes());
        bundle.extend_from_slice(&leaf);
        edge.add(leaf_hash(&leaf), |_, _| ());
    }
    let size = edge.size();
    let mut files = vec![(entries_path(0, u16::try_from(size).unwrap()), bundle)];
    let tiles = edge.partial();
    files.extend(
        tiles.map(|(tile, hashes): (Tile, _)| (tile.path(), hashes.as_flattened().to_vec())),
    );
    for (path, bytes) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let checkpoint = Checkpoint {
        origin: config.origin.clone(),
        size,
        root: edge.root(),
    };
    let keys = keys::create_if_missing(config).unwrap();
    let signed = keys.sign_checkpoint(checkpoint, 1_771_234_999).unwrap();
    fs::write(dir.join("checkpoint"), signed.to_string()).unwrap();
    signed
}

/// The leaves, byte for byte.
fn raw_leaves(dir: &Path) -> Vec<Vec<u8>> {
    let bytes = segment::read(dir, 0).unwrap();
    let (mut scan, head) = Scan::new(&bytes, 0).unwrap();
    let (mut chain, mut frames, mut out) = (head.chain, Vec::new(), Vec::new());
    while let Ok(true) = scan.next(&mut chain, &mut frames) {
        out.extend(
            frames
                .iter()
                .filter_map(|frame| frame.leaf().map(<[u8]>::to_vec)),
        );
    }
    out
}

fn read(path: &Path) -> SignedCheckpoint {
    SignedCheckpoint::parse(&fs::read_to_string(path).unwrap()).unwrap()
}

#[tokio::test]
async fn a_log_that_its_own_keys_have_cut_short_is_found_by_whoever_knows_more() {
    let scene = Scene::new("all");
    let running = scene.start();
    scene.record(&running, 30).await;
    scene.cosigned(31, 2).await;
    running.crash();
    let (config, lock) = (&scene.desk.config, scene.desk.config.lock_file());
    let shown = read(&config.dir.join("checkpoint"));
    let known = read(&lock);

    let forged = cut(config, 4);
    let size = forged.checkpoint().size;
    assert!((1..31).contains(&size), "{size}");
    let keys = keys::PublicKeys::read(&config.dir).unwrap().log;
    let verified = |older: Vec<(&str, &SignedCheckpoint)>| {
        let older = older.into_iter().map(|(from, checkpoint)| Witnessed {
            from: from.to_owned(),
            checkpoint: checkpoint.clone(),
        });
        let trust = Trust {
            keys: keys.clone(),
            older: older.collect(),
        };
        let read = verify::whole(&config.dir, &trust, |_| ());
        read.map(|(public, _)| public.census.leaves)
            .map_err(|error| error.to_string())
    };
    // Nobody who knows nothing else can tell.
    assert_eq!(verified(Vec::new()), Ok(size));
    assert_eq!(verified(vec![("itself", &forged)]), Ok(size));
    for (from, checkpoint) in [("the lock store", &known), ("a witness", &shown)] {
        let said = verified(vec![(from, checkpoint)]).unwrap_err();
        let expected = format!("the log was set back: {from} knows 31 records, it has only {size}");
        assert_eq!(said, expected);
    }
    // Nor does it start beside its lock store.
    let said = scene.refusal();
    let store = format!("AuditRollbackDetected: the lock store {}", lock.display());
    assert!(said.starts_with(&store), "{said}");
    let only = format!("with 31 records, but it has only {size}");
    assert!(said.contains(&only), "{said}");
    // Nor, where that was forged as well, while one witness knows better.
    fs::write(&lock, forged.to_string()).unwrap();
    let said = scene.refusal();
    assert!(
        said.starts_with("AuditRollbackDetected: the witness w"),
        "{said}"
    );
    assert!(said.contains(&only), "{said}");
    // Without witnesses it does: that is what they are for.
    let mut alone = scene;
    alone.desk.config.witness_policy = None;
    alone.try_start_with(None).unwrap().crash();
}
