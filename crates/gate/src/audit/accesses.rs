//! `ListMyAccesses`: a citizen's own list, through a portal that has identified them.

use std::collections::HashMap;

use admission::Duty;
use api::convert::{Listing, page_token};
use api::v1;
use evidence::verify;
use exchange::{AgencyCode, Fault, Opened, Opening, PurposeCode};

use super::inspect::{answer, disclosure};
use super::leaf::Leaf;
use super::proofs::carrying;
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
        let Reply { message, quota } = self.accesses(call, asked, 0).await?;
        let mut proofs = self.proofs(&message.found.records).await?;
        let accesses = message.found.records.iter().map(|record| {
            // Other logs have records at the same places.
            let proof = self.keeps(record).then(|| proofs.remove(&record.seq));
            v1::Access {
                tlog_proof: proof.flatten().unwrap_or_default(),
                ..self.access(record)
            }
        });
        let message = v1::ListMyAccessesResponse {
            accesses: accesses.collect(),
            next_page_token: message.found.next.map(page_token).unwrap_or_default(),
            total_size: i32::try_from(message.total).unwrap_or(i32::MAX),
            available_from: message.available_from.map(Into::into),
        };
        Ok(Reply { message, quota })
    }

    /// The accesses as they are kept, so many left out.
    pub(super) async fn accesses(
        &self,
        call: &Call,
        asked: &Listing,
        skip: u32,
    ) -> Result<Reply<Accesses>, Fault> {
        let (context, subject) = (&asked.context, &asked.subject);
        let warrant = self.entitled(call, context, Some(subject), Duty::ListAccesses);
        let warrant = warrant.await?;
        let disclosure = disclosure(call, context, &warrant);
        let period = Period {
            subject,
            from: asked.from,
            until: asked.until,
            after: asked.after,
            skip,
            limit: asked.limit,
        };
        let accesses = self.deps.records.accesses(&disclosure, &period).await?;
        Ok(answer(accesses, &warrant))
    }

    /// What a citizen is told of an access, without its proof.
    pub(super) fn access(&self, record: &Opened) -> v1::Access {
        let leaf = Leaf::read(&record.leaf);
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

    /// True if the record is in the log of this node.
    fn keeps(&self, record: &Opened) -> bool {
        &*record.origin == self.deps.log.origin()
    }

    /// The proofs of the records of this node's log that are under a checkpoint, by their place.
    async fn proofs(&self, records: &[Opened]) -> Result<HashMap<u64, String>, Fault> {
        let own = records.iter().filter(|record| self.keeps(record));
        let own: Vec<_> = own.map(|it| (it.seq, own_openings(it))).collect();
        let proved = self.read(move |files| {
            let proofs = own.iter().map(|(seq, openings)| {
                let proved = verify::prove(files, *seq)?;
                Ok((*seq, openings.clone(), proved))
            });
            proofs.collect::<Result<Vec<_>, _>>()
        });
        let proved = proved.await?.into_iter();
        let proved = proved.filter_map(|(seq, openings, proved)| Some((seq, openings, proved?)));
        let texts = proved
            .map(|(seq, openings, (proof, leaf))| Ok((seq, carrying(proof, leaf, &openings)?)));
        texts.collect()
    }
}

/// What a citizen may open of a record about them: themselves, and the reason. Not the officer.
fn own_openings(record: &Opened) -> Vec<Opening> {
    let openings = record.openings.iter();
    let own = openings.filter(|it| it.field == REASON || it.field.starts_with(SUBJECT));
    own.cloned().collect()
}

/// How the names of the commitments to the person begin.
const SUBJECT: &str = "sub";
/// The name of the commitment to the reason that a caller gives.
const REASON: &str = "txt";
