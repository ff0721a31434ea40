//! Page tokens: a place among the records, sealed to who asked and what for.
//!
//! Under a key of their own that is derived from the master key of the keyring, which every node has:
//! so each opens what another has sealed, also after a restart. See
//! `manual/decisions/0048-seal-page-tokens-under-the-master-key.md`.
//!
//! *Invariant:* a token opens for the same caller, the same kind of list and the same conditions
//! alone, until it is too old. Of one that does not open nobody learns why.

use exchange::{Caller, PageToken, Position, Query};
use zeroize::Zeroizing;

use super::aead::Key;
use crate::Error;
use crate::attempt::subject_name;
use crate::keys::secret::{Secret, derive};

/// What a page is a page of.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// For what kind of list.
    pub list: &'a str,
    /// With which conditions. How many are on a page, and which page it is, are none.
    pub query: &'a Query,
}

impl Page<'_> {
    /// What a token is sealed to: each part behind its length, so that no two pages have the same.
    fn label(&self) -> Zeroizing<Vec<u8>> {
        let Self {
            caller,
            list,
            query,
        } = self;
        let subject = query.subject.as_ref();
        let request = query.request.as_ref().map(ToString::to_string);
        let [from, until] = [query.from, query.until].map(|time| time.map(|it| it.to_string()));
        let parts = [
            *list,
            caller.agency().as_str(),
            caller.system().as_str(),
            subject.map_or("", |it| subject_name(it.kind())),
            subject.map_or("", |it| it.reveal()),
            query.agency.as_ref().map_or("", |it| it.as_str()),
            query.officer.as_ref().map_or("", |it| it.reveal()),
            request.as_deref().unwrap_or_default(),
            from.as_deref().unwrap_or_default(),
            until.as_deref().unwrap_or_default(),
        ];
        // Room enough, so that nothing personal is left behind where it grew out of.
        let room = parts.iter().map(|part| part.len() + size_of::<u64>());
        let mut label = Zeroizing::new(Vec::with_capacity(room.sum::<usize>() + 1));
        label.push(VERSION);
        for part in parts {
            label.extend_from_slice(&(part.len() as u64).to_be_bytes());
            label.extend_from_slice(part.as_bytes());
        }
        label
    }
}

/// Seals and opens page tokens.
#[derive(Debug)]
pub(crate) struct PageKey {
    key: Key,
    /// For how long a token is good.
    good_for_ms: u64,
}

impl PageKey {
    /// The key that belongs to a master key; its tokens are good for so many seconds.
    pub(super) fn of(master: &Secret, good_for_s: u32) -> Result<Self, Error> {
        let key = Key::new(&derive(master, KEY_LABEL)?);
        Ok(Self {
            key: key.map_err(|_| Error::Crypto("use the key of page tokens"))?,
            good_for_ms: u64::from(good_for_s) * 1_000,
        })
    }

    /// The token of the page that begins behind a record, at that time in milliseconds since 1970.
    pub(crate) fn seal(
        &self,
        page: &Page<'_>,
        after: Position,
        now_ms: u64,
    ) -> Result<PageToken, Error> {
        let Position { ts, log, seq } = after;
        let plain = [
            now_ms.to_be_bytes(),
            ts.to_be_bytes(),
            log.to_be_bytes(),
            seq.to_be_bytes(),
        ];
        let mut sealed = Vec::with_capacity(PageToken::LEN);
        sealed.push(VERSION);
        let plain = plain.as_flattened();
        let done = self.key.seal(&page.label(), plain, &mut sealed);
        done.ok()
            .and_then(|()| sealed.try_into().ok())
            .map(PageToken::new)
            .ok_or(Error::Crypto("seal a page token"))
    }

    /// The record behind which the page of a token begins; none if the token is of another page, was
    /// changed, or is older than that.
    pub(crate) fn open(&self, page: &Page<'_>, token: &PageToken, now_ms: u64) -> Option<Position> {
        let (&VERSION, sealed) = token.bytes().split_first()? else {
            return None;
        };
        let plain = self.key.open(&page.label(), sealed)?;
        let (&[made, ts, log, seq], []) = plain.as_chunks() else {
            return None;
        };
        // Clocks of nodes differ a little: one from a moment ahead is fresh.
        let age = now_ms.saturating_sub(u64::from_be_bytes(made));
        (age < self.good_for_ms).then(|| Position {
            ts: u64::from_be_bytes(ts),
            log: i64::from_be_bytes(log),
            seq: u64::from_be_bytes(seq),
        })
    }
}

/// The first byte of a token, so that its form can change. Version 1 was not sealed.
const VERSION: u8 = 2;
const KEY_LABEL: &[u8] = b"lienthong.page-token/v2";

#[cfg(test)]
mod tests;
