//! Proofs of inclusion: made from a receipt, checked by others, offline.

use tests::{Sandbox, run};

use crate::logs::{Log, check};

/// A receipt becomes a proof; the proof is checked by the key alone, and by the Go toolchain.
#[tokio::test]
async fn a_receipt_becomes_a_proof_that_others_check() {
    let sandbox = Sandbox::start();
    let answer = sandbox.lookup(&["999099000001", "--json"]);
    let receipt = sandbox.dir().join("answer.json");
    std::fs::write(&receipt, &answer.out).unwrap();
    let log = sandbox.dir().join("log");
    let seq: u64 = answer.json()["receipt"]["seq"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();

    let described = &sandbox.description["log"];
    let (url, vkey) = (
        described["url"].as_str().unwrap(),
        described["vkey"].as_str().unwrap(),
    );
    let proof = sandbox.dir().join("answer.tlog-proof");
    let (receipt, out) = (receipt.to_str().unwrap(), proof.to_str().unwrap());
    let ran = run(&["audit", "prove", url, "--receipt", receipt, "--out", out]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = run(&["audit", "verify", out, "--vkey", vkey]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains(r#""t":"ACCESS""#), "{ran:?}");
    assert!(
        ran.out.contains(&format!("record {seq} of log ")),
        "{ran:?}"
    );
    if let Some(said) = check(&log, &[vkey.to_owned()], &[("-proof", &proof)]) {
        assert!(said.unwrap().ends_with("proofs 1\n"));
    }

    let text = std::fs::read_to_string(&proof).unwrap();
    let index = format!("index {seq}\n");
    let moved = text.replacen(&index, &format!("index {}\n", seq + 1), 1);
    assert_ne!(moved, text);
    std::fs::write(&proof, moved).unwrap();
    let ran = run(&["audit", "verify", out, "--vkey", vkey]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("does not lead from the record"), "{ran:?}");
    let ran = run(&["audit", "prove", url, "--seq", "100000"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("has no record 100000"), "{ran:?}");
}

/// Records at every border of tiles, out of the directory.
#[tokio::test]
async fn records_at_the_borders_of_tiles_are_proved() {
    let log = Log::new();
    let mut open = log.open(0).await;
    open.grow(66_000).await;
    open.crash();
    let home = tempfile::tempdir().unwrap();
    let (dir, vkeys) = (log.dir().to_str().unwrap(), log.vkeys());
    let mut proofs = Vec::new();
    for seq in [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 65_999] {
        let proof = home.path().join(format!("{seq}.tlog-proof"));
        let (seq, out) = (seq.to_string(), proof.to_str().unwrap());
        let ran = run(&["audit", "prove", dir, "--seq", &seq, "--out", out]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let ran = run(&[
            "audit", "verify", out, "--vkey", &vkeys[0], "--vkey", &vkeys[1],
        ]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.out.contains("signed by 2 keys"), "{ran:?}");
        proofs.push(proof);
    }
    let more: Vec<_> = proofs
        .iter()
        .map(|proof| ("-proof", proof.as_path()))
        .collect();
    if let Some(said) = check(log.dir(), &vkeys, &more) {
        assert!(said.unwrap().ends_with("proofs 9\n"));
    }
}
