//! Which agencies there are, one folder each.
