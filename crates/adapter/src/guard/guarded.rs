//! An agency and its guard, of which every question takes both.
//!
//! *Invariant:* an agency is asked through its guard alone.

use std::sync::Arc;

use exchange::Identifier;
use tokio::time::Instant;

use super::{Config, Guard, Patience, Place};
use crate::dossier::{Dossier, Enquiry, LOST, Seen};
use crate::maintenance::{Announced, Topic};
use crate::{Agency, Answer, Context, Miss, Question, Resolution};

/// An agency behind its guard, at one address or at several.
#[derive(Clone, Debug)]
pub struct Guarded {
    /// The agency, at its first address.
    pub agency: Arc<dyn Agency>,
    /// The same at the others.
    others: Arc<[Arc<dyn Agency>]>,
    /// What stands before it.
    pub guard: Arc<Guard>,
}

impl Guarded {
    /// Puts a guard before an agency.
    pub fn new(agency: Arc<dyn Agency>, config: &Config) -> Self {
        let first = (String::new(), agency);
        Self::at(first, Vec::new(), config, Announced::default())
    }

    /// Puts a guard before an agency that is reached at these addresses, each with its name.
    pub fn at(
        (name, agency): (String, Arc<dyn Agency>),
        others: Vec<(String, Arc<dyn Agency>)>,
        config: &Config,
        announced: Announced,
    ) -> Self {
        let (mut names, mut rest) = (vec![name], Vec::with_capacity(others.len()));
        for (name, agency) in others {
            names.push(name);
            rest.push(agency);
        }
        let guard = Guard::new(agency.source(), agency.cap(), config);
        let guard = guard.at(names, config).announced(announced);
        Self {
            agency,
            others: rest.into(),
            guard: Arc::new(guard),
        }
    }

    /// Asks about one person; see [`Guard::ask`].
    ///
    /// # Errors
    /// The miss of the adapter, with all calls made; or that the source was not asked.
    pub async fn ask(
        &self,
        patience: Patience,
        question: &Question<'_>,
    ) -> Result<(Answer, u32), Miss> {
        let ask = |place| self.agency(place).ask(question);
        let at = match self.others.is_empty() {
            true => None,
            false => self.agency.left_at(question),
        };
        let at = at.and_then(|name| self.guard.places.named(&name));
        let topic = Topic::Subject(question.subject);
        self.guard.ask_at(at, patience, topic, ask).await
    }

    /// Finds the person behind a number; see [`Guard::ask`].
    ///
    /// # Errors
    /// The miss of the adapter, with all calls made; or that the source was not asked.
    pub async fn resolve(
        &self,
        patience: Patience,
        identifier: &Identifier,
        context: &Context<'_>,
    ) -> Result<(Resolution, u32), Miss> {
        let ask = |place| self.agency(place).resolve(identifier, context);
        let topic = Topic::Number(identifier);
        self.guard.ask(patience, topic, ask).await
    }

    /// Asks on nobody's behalf how far a dossier is, where it is while that answers; see [`Guard::errand`].
    /// What another server does not know is not lost.
    ///
    /// # Errors
    /// The miss of the adapter; or that the source was not asked.
    pub async fn look(&self, dossier: &Dossier) -> Result<Seen, Miss> {
        let deadline = Instant::now() + self.guard.cap;
        let own = self.guard.places.named(&dossier.address);
        let ask = |place| async move {
            let seen = self.agency(place).look(dossier, deadline).await;
            let is_own = own.is_none_or(|own| own == place);
            seen.map_err(|miss| match miss.reason {
                LOST if !is_own => Miss::unavailable(ELSEWHERE, "another server has it"),
                _ => miss,
            })
        };
        let topic = Topic::Dossier(dossier.number);
        self.guard.errand(own, topic, ask).await
    }

    /// Sends on nobody's behalf again what became a dossier, to where it is while that answers; see
    /// [`Guard::errand`].
    ///
    /// # Errors
    /// The miss of the adapter; or that the source was not asked.
    pub async fn resend(&self, dossier: &Dossier, enquiry: &Enquiry) -> Result<Seen, Miss> {
        let deadline = Instant::now() + self.guard.cap;
        let own = self.guard.places.named(&dossier.address);
        let ask = |place| self.agency(place).resend(enquiry, deadline);
        let topic = Topic::Enquiry(enquiry.reveal());
        self.guard.errand(own, topic, ask).await
    }

    fn agency(&self, place: Place) -> &dyn Agency {
        let other = place.index().checked_sub(1);
        let other = other.and_then(|it| self.others.get(it));
        &**other.unwrap_or(&self.agency)
    }
}

/// The reason of a server that does not know a dossier that another has.
const ELSEWHERE: &str = "DOSSIER_ELSEWHERE";
