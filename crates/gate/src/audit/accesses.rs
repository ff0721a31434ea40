//! `ListMyAccesses`: a citizen's own list, through a portal that has identified them.

use std::collections::HashMap;
use std::sync::Arc;

use admission::Duty;
use api::convert::Listing;
use api::v1;
use evidence::{Act, Commitment, verify};
use exchange::{AgencyCode, BatchProof, CallContext, Fault, Opened, Opening, PurposeCode};

use super::inspect::{answer, disclosure};
use super::leaf::Leaf;
use super::proofs::{carrying, read_from};
use super::records::Period;
use super::time;
use crate::{Call, Gate, Reply};
use evidence::Accesses;

impl Gate {
    /// Who has asked about a citizen, newest first, each with its proof.
    ///
    /// # Errors
    /// The caller may not, this node keeps no index, or the list cannot be recorded.
    pub async fn list_accesses(
        &self,
        call: &Call,
        asked: &Listing,
    ) -> Result<Reply<v1::ListMyAccessesResponse>, Fault> {
        let query = period(asked).query();
        let (act, page) = (Act::AccessList, asked.page.as_ref());
        let after = self.turn_to(call, act.name(), &query, page).await?;
        let period = Period {
            after,
            ..period(asked)
        };
        let listed = self.accesses(call, &asked.context, &period).await?;
        let Reply { message, quota } = listed;
        let next = message.found.next;
        let next_page_token = self.next_page(call, act.name(), &query, next).await?;
        let mut proofs = self.proofs(&message.found.records).await?;
        let accesses = message.found.records.iter().map(|record| {
            let place = (Arc::clone(&record.origin), record.seq);
            v1::Access {
                tlog_proof: proofs.remove(&place).unwrap_or_default(),
                ..self.access(record)
            }
        });
        let message = v1::ListMyAccessesResponse {
            accesses: accesses.collect(),
            next_page_token,
            total_size: i32::try_from(message.total).unwrap_or(i32::MAX),
            available_from: message.available_from.map(Into::into),
        };
        Ok(Reply { message, quota })
    }

    /// The accesses as they are kept.
    pub(super) async fn accesses(
        &self,
        call: &Call,
        context: &CallContext,
        period: &Period<'_>,
    ) -> Result<Reply<Accesses>, Fault> {
        let duty = Duty::ListAccesses;
        let warrant = self.entitled(call, context, Some(period.subject), duty);
        let warrant = warrant.await?;
        let disclosure = disclosure(call, context, &warrant);
        let accesses = self.deps.records.accesses(&disclosure, period).await?;
        Ok(answer(accesses, &warrant))
    }

    /// What a citizen is told of an access, without its proof.
    pub(super) fn access(&self, record: &Opened) -> v1::Access {
        let mut leaf = Leaf::read(&record.leaf);
        if let Some(entry) = record.entries.first() {
            leaf = leaf.of_one(entry);
        }
        v1::Access {
            log_time: Some(time(record.ts_ms)),
            action: self.action(&leaf, record),
            receiver_name: self.name(&leaf.caller.ag),
            sources: leaf
                .sources()
                .map(|it| v1::Source::from(it).into())
                .collect(),
            field_groups: leaf.fields().map(str::to_owned).collect(),
            receiver_code: leaf.caller.ag,
            exchange: leaf.sub,
            receiver_system: leaf.caller.sys,
            log_origin: (*record.origin).to_owned(),
            seq: record.seq,
            tlog_proof: String::new(),
        }
    }

    /// Why, for a citizen to read: what the purpose is called, and the reason that was given.
    fn action(&self, leaf: &Leaf, record: &Opened) -> String {
        let code = PurposeCode::parse(&leaf.purpose).ok();
        let purpose = code.and_then(|code| self.deps.admission.purpose(&code));
        let title = purpose.map_or_else(|| leaf.purpose.clone(), |it| it.title_vi.clone());
        let reason = record
            .openings
            .iter()
            .find(|opening| opening.field == REASON);
        match reason.and_then(|reason| std::str::from_utf8(&reason.value).ok()) {
            None | Some("") => title,
            Some(reason) => format!("{title}: {reason}"),
        }
    }

    /// What an agency is called; its code if the policy does not say.
    fn name(&self, code: &str) -> String {
        let agency = AgencyCode::parse(code);
        let name = agency.and_then(|agency| self.deps.admission.agency_name(&agency));
        name.map_or_else(|| code.to_owned(), |name| name.name_vi.clone())
    }

    /// The proofs of the records that are under a checkpoint of a log of this node, by their place.
    async fn proofs(&self, records: &[Opened]) -> Result<HashMap<Place, String>, Fault> {
        let own = records.iter().filter_map(|record| {
            let files = self.deps.log.files(&record.origin)?;
            let place = (Arc::clone(&record.origin), record.seq);
            Some((files, place, Own::of(record)))
        });
        let proved = read_from(own.collect::<Vec<_>>(), |own| {
            let proofs = own.iter_mut().map(|(files, place, own)| {
                let proved = verify::prove(files, place.1)?;
                Ok((place.clone(), std::mem::take(own), proved))
            });
            proofs.collect::<Result<Vec<_>, _>>()
        });
        let proved = proved.await?.into_iter();
        let proved = proved.filter_map(|(place, own, proved)| Some((place, own, proved?)));
        let texts = proved.map(|(place, own, (proof, leaf))| {
            let text = carrying(proof, leaf, &own.openings, own.entry.as_ref())?;
            Ok((place, text))
        });
        texts.collect()
    }
}

/// The first page of a list.
const fn period(asked: &Listing) -> Period<'_> {
    Period {
        subject: &asked.subject,
        from: asked.from,
        until: asked.until,
        after: None,
        skip: 0,
        limit: asked.limit,
    }
}

/// The name of a log, and the place of a record in it.
type Place = (Arc<str>, u64);

/// What a citizen is given of a record about them, to check it by.
#[derive(Default)]
struct Own {
    /// What opens themselves, and the reason. Not the officer.
    openings: Vec<Opening>,
    /// Their entry in a record about many. Who was asked about twice in it is shown the first.
    entry: Option<BatchProof>,
}

impl Own {
    fn of(record: &Opened) -> Self {
        let entry = record.entries.first();
        let is_own = |opening: &&Opening| match entry {
            _ if opening.field == REASON => true,
            _ if !opening.field.starts_with(SUBJECT) => false,
            Some(entry) => entry.entry.contains(Commitment::of(opening).as_str()),
            None => true,
        };
        Self {
            openings: record.openings.iter().filter(is_own).cloned().collect(),
            entry: entry.cloned(),
        }
    }
}

/// How the names of the commitments to the person begin.
const SUBJECT: &str = "sub";
/// The name of the commitment to the reason that a caller gives.
const REASON: &str = "txt";
