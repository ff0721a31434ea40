//! The doors: accept loop, mTLS, gRPC, REST.
