//! The road of one exchange: admit, ask, seal.
