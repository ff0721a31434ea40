//! What happened: write-ahead log, receipts, verifier.
