//! The tokens of the simulated register: they carry their own end and a seal, so none is stored.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::hmac;
use jiff::Timestamp;

/// Gives and checks tokens.
pub(super) struct Tokens {
    user: String,
    secret: String,
    key: hmac::Key,
    given: AtomicU64,
}

/// The life of a token, in seconds: short enough that a day in the sandbox renews it.
pub(super) const LIFE_S: u64 = 1_800;

impl Tokens {
    /// Tokens for one account.
    pub(super) fn new(user: &str, secret: &str) -> Self {
        Self {
            user: user.to_owned(),
            secret: secret.to_owned(),
            key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
            given: AtomicU64::new(0),
        }
    }

    /// A token, if this is the account.
    pub(super) fn give(&self, user: &str, secret: &str, now: Timestamp) -> Option<String> {
        if user != self.user || secret != self.secret {
            return None;
        }
        let turn = self.given.fetch_add(1, Ordering::Relaxed);
        let end = now.as_second().saturating_add_unsigned(LIFE_S);
        let said = format!("{end}.{turn}");
        let seal = hmac::sign(&self.key, said.as_bytes());
        Some(format!("{said}.{}", hex::encode(seal)))
    }

    /// True if this token was given here and is not over.
    pub(super) fn takes(&self, token: &str, now: Timestamp) -> bool {
        let Some((said, seal)) = token.rsplit_once('.') else {
            return false;
        };
        let end = said
            .split('.')
            .next()
            .and_then(|end| end.parse::<i64>().ok());
        let sealed = hex::decode(seal)
            .is_ok_and(|seal| hmac::verify(&self.key, said.as_bytes(), &seal).is_ok());
        sealed && end.is_some_and(|end| now.as_second() < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_given_here_are_taken_until_their_end() {
        let tokens = Tokens::new("a", "b");
        let at = |second| Timestamp::from_second(second).unwrap();
        let token = tokens.give("a", "b", at(1_000)).unwrap();
        assert!(tokens.takes(&token, at(1_000)) && tokens.takes(&token, at(2_799)));
        assert!(!tokens.takes(&token, at(2_800)));
        assert!(!tokens.takes(&token.replacen('2', "9", 1), at(1_000)));
        assert!(!Tokens::new("a", "c").takes(&token, at(1_000)));
        assert!(tokens.give("a", "c", at(1_000)).is_none());
        assert_ne!(tokens.give("a", "b", at(1_000)), Some(token));
    }
}
