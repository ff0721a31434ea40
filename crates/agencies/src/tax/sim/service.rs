//! The service of the simulated register: it answers, keeps a journal, and misbehaves on demand.

use std::sync::Arc;
use std::time::Duration;

use api::agency::v1::agency_service_server::AgencyService;
use api::agency::v1::{
    DescribeRequest, DescribeResponse, LookupRecordRequest, LookupRecordResponse,
    ResolveIdentifierRequest, ResolveIdentifierResponse, StreamObligationsRequest,
    StreamObligationsResponse, lookup_record_response as answer, resolve_identifier_request,
};
use api::v1;
use bytes::Bytes;
use exchange::{CitizenId, Clock, Field, FieldSet, PartialDate, name_key};
use prost::Message as _;
use sim::{Again, Asked, FaultKind, Journal, Knobs, Person, Prepared, Stage, World};
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::spoil::is_spoilt;
use super::{SOURCE, record};
use crate::Site;

/// The simulated register.
#[derive(Debug)]
pub(super) struct Register {
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    journal: Arc<Journal>,
    knobs: Arc<Knobs>,
    prepared: Prepared<(CitizenId, FieldSet)>,
}

type Obligations =
    tokio_stream::Iter<std::vec::IntoIter<Result<StreamObligationsResponse, Status>>>;

impl Register {
    pub(super) fn new(stage: &Stage, site: &Site) -> Self {
        Self {
            world: Arc::clone(&site.world),
            clock: Arc::clone(&site.clock),
            journal: Arc::clone(stage.journal()),
            knobs: Arc::clone(stage.knobs()),
            prepared: Prepared::new(site.prepared),
        }
    }

    /// Notes a question, and misbehaves if it is to. What is left for the answer to do is returned.
    async fn receive<T>(
        &self,
        operation: &str,
        request: &Request<T>,
        subject: &CitizenId,
        fields: &[String],
    ) -> Result<Option<FaultKind>, Status> {
        let fault = self.knobs.decide(subject);
        self.journal.record(|| Asked {
            fields: fields.to_vec(),
            traceparent: header(request, "traceparent"),
            outcome: fault.map_or("ok", FaultKind::name).to_owned(),
            ..Asked::new(self.clock.now(), operation, Some(subject))
        });
        self.knobs.pause(Some(subject)).await;
        match fault {
            None | Some(FaultKind::WrongPerson) => Ok(fault),
            Some(fault) if is_spoilt(fault) => Ok(Some(fault)),
            Some(FaultKind::Slow) => {
                tokio::time::sleep(Duration::from_secs(2)).await;
                Ok(None)
            }
            Some(FaultKind::Hang) => sim::hang(&self.journal, &*self.clock).await,
            Some(fault) => Err(refusal(fault, self.knobs.again())),
        }
    }

    /// The person a question is about, or somebody else if the fault says so.
    fn person(&self, id: &CitizenId, fault: Option<FaultKind>) -> Result<Person, Status> {
        let other = CitizenId::from_agency("999099001234");
        let id = match (fault, other) {
            (Some(FaultKind::WrongPerson), Some(other)) => other,
            _ => *id,
        };
        self.world
            .view(&id, SOURCE)
            .ok_or_else(|| Status::not_found("no such taxpayer"))
    }

    fn answer(&self, person: &Person, asked: &FieldSet) -> LookupRecordResponse {
        let previous = person.previous_ids.iter();
        LookupRecordResponse {
            personal_id: person.personal_id.reveal().to_owned(),
            previous_ids: previous
                .map(|old| old.personal_id.reveal().to_owned())
                .collect(),
            as_of: Some(self.clock.now().into()),
            record: Some(answer::Record::Tax(Box::new(record::record(person, asked)))),
        }
    }
}

#[tonic::async_trait]
impl AgencyService for Register {
    type StreamObligationsStream = Obligations;

    async fn describe(
        &self,
        _: Request<DescribeRequest>,
    ) -> Result<Response<DescribeResponse>, Status> {
        let fields = FieldSet::of(SOURCE);
        Ok(Response::new(DescribeResponse {
            source: v1::Source::from(SOURCE).into(),
            paths: fields.iter().map(Field::path).map(str::to_owned).collect(),
        }))
    }

    async fn lookup_record(
        &self,
        request: Request<LookupRecordRequest>,
    ) -> Result<Response<LookupRecordResponse>, Status> {
        let question = request.get_ref();
        let id = parse(&question.personal_id)?;
        let fault = self
            .receive("LookupRecord", &request, &id, &question.paths)
            .await?;
        let asked = fields(&question.paths)?;
        if is_described(question) && !matches(&self.person(&id, None)?, question) {
            return Err(Status::not_found("no such taxpayer"));
        }
        let mut response = Response::new(if fault.is_none() {
            let rendered = self.prepared.get_or_render((id, asked), || {
                let person = self.person(&id, None).ok();
                let answer = person.map(|person| self.answer(&person, &asked));
                answer.map_or_else(Bytes::new, |answer| answer.encode_to_vec().into())
            });
            if rendered.is_empty() {
                return Err(Status::not_found("no such taxpayer"));
            }
            LookupRecordResponse::decode(rendered)
                .map_err(|_| Status::internal("a prepared answer is damaged"))?
        } else {
            let mut answer = self.answer(&self.person(&id, fault)?, &asked);
            if fault == Some(FaultKind::TimeoutAsAnswer) {
                answer.record = None;
            }
            answer
        });
        mark(&mut response, fault);
        Ok(response)
    }

    async fn stream_obligations(
        &self,
        request: Request<StreamObligationsRequest>,
    ) -> Result<Response<Obligations>, Status> {
        let id = parse(&request.get_ref().personal_id)?;
        // Whoever asks for obligations asks for the record beside them, which plays the fault.
        self.journal.record(|| Asked {
            fields: vec![Field::TaxObligations.path().to_owned()],
            traceparent: header(&request, "traceparent"),
            ..Asked::new(self.clock.now(), "StreamObligations", Some(&id))
        });
        let person = self.person(&id, None)?;
        let obligations = record::obligations(&person);
        let messages: Vec<_> = obligations
            .chunks(100)
            .map(|some| {
                Ok(StreamObligationsResponse {
                    personal_id: id.reveal().to_owned(),
                    obligations: some.to_vec(),
                })
            })
            .collect();
        Ok(Response::new(tokio_stream::iter(messages)))
    }

    async fn resolve_identifier(
        &self,
        request: Request<ResolveIdentifierRequest>,
    ) -> Result<Response<ResolveIdentifierResponse>, Status> {
        use resolve_identifier_request::Identifier as Number;
        let found = match &request.get_ref().identifier {
            Some(Number::TaxCode(code)) => self.world.by_tax_code(code),
            Some(Number::PersonalId(id)) => Some(parse(id)?),
            _ => return Err(Status::invalid_argument("the register knows tax codes")),
        };
        let found = found.and_then(|id| self.world.view(&id, SOURCE));
        let id = found.map(|person| person.personal_id);
        if let Some(id) = &id {
            self.receive("ResolveIdentifier", &request, id, &[]).await?;
        }
        Ok(Response::new(ResolveIdentifierResponse {
            personal_ids: id.iter().map(|id| id.reveal().to_owned()).collect(),
        }))
    }
}

fn parse(id: &str) -> Result<CitizenId, Status> {
    CitizenId::from_agency(id).ok_or_else(|| Status::invalid_argument("no personal id"))
}

fn fields(paths: &[String]) -> Result<FieldSet, Status> {
    let known = paths.iter().map(|path| {
        Field::from_path(path).ok_or_else(|| Status::invalid_argument("unknown field path"))
    });
    known.collect()
}

/// True if the question says more of the person than their number.
fn is_described(question: &LookupRecordRequest) -> bool {
    !question.full_name.is_empty() || question.birth_date.is_some()
}

/// True if name and birth date, where given, are the person's. Which of them differs is not said.
fn matches(person: &Person, question: &LookupRecordRequest) -> bool {
    let name = &question.full_name;
    let same_name = name.is_empty() || name_key(name) == name_key(&person.tax.taxpayer_name);
    let date = |date: v1::PartialDate| PartialDate::new(date.year, date.month, date.day);
    let same_date = question
        .birth_date
        .is_none_or(|given| date(given).is_ok_and(|given| person.birth_date.is_told_by(&given)));
    same_name && same_date
}

/// The status of a fault that refuses.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is left has no words of its own"
)]
fn refusal(fault: FaultKind, again: Again) -> Status {
    let retry = |usual| again.seconds(usual).map(Duration::from_secs);
    match fault {
        FaultKind::NotFound => Status::not_found("no such taxpayer"),
        FaultKind::SessionExpired | FaultKind::SessionRefused | FaultKind::Unauthorized => {
            Status::unauthenticated("the session has expired")
        }
        FaultKind::RateLimited => Status::with_error_details(
            Code::ResourceExhausted,
            "too many questions",
            ErrorDetails::with_retry_info(retry(3)),
        ),
        FaultKind::Maintenance => {
            let mut details = ErrorDetails::new();
            details
                .set_error_info("MAINTENANCE", "tax.example", [])
                .set_retry_info(retry(30));
            Status::with_error_details(Code::Unavailable, "under maintenance", details)
        }
        _ => Status::internal("the register has failed"),
    }
}

/// Marks an answer that is spoilt on its way out.
fn mark<T>(response: &mut Response<T>, fault: Option<FaultKind>) {
    if let Some(fault) = fault.filter(|fault| is_spoilt(*fault)) {
        response.extensions_mut().insert(fault);
    }
}

fn header<T>(request: &Request<T>, name: &str) -> Option<String> {
    let value = request.metadata().get(name)?.to_str().ok()?;
    Some(value.to_owned())
}
