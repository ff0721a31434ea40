//! The department's spelling: requests of `lienthong.agency.v1`.

use adapter::{Context, Question};
use api::agency::v1::{
    AskContext, LookupRecordRequest, ResolveIdentifierRequest, StreamObligationsRequest,
    resolve_identifier_request,
};
use exchange::{Field, FieldSet, Identifier};
use tonic::Request;
use tonic::metadata::MetadataValue;

/// A question for the record: every field asked for but the obligations, which are streamed.
pub(super) fn lookup(question: &Question<'_>) -> LookupRecordRequest {
    let streamed = FieldSet::from_iter([Field::TaxObligations]);
    let fields = question.fields.minus(&streamed);
    LookupRecordRequest {
        context: Some(ask_context(&question.context)),
        personal_id: question.subject.reveal().to_owned(),
        paths: fields.iter().map(Field::path).map(str::to_owned).collect(),
        full_name: question.hints.full_name.clone().unwrap_or_default(),
        birth_date: question.hints.birth_date.map(Into::into),
    }
}

/// A question for the obligations.
pub(super) fn obligations(question: &Question<'_>) -> StreamObligationsRequest {
    StreamObligationsRequest {
        context: Some(ask_context(&question.context)),
        personal_id: question.subject.reveal().to_owned(),
    }
}

/// A question for the person behind a tax code.
pub(super) fn resolve(identifier: &Identifier, context: &Context<'_>) -> ResolveIdentifierRequest {
    use resolve_identifier_request::Identifier as Number;
    let number = identifier.reveal().to_owned();
    let number = match identifier {
        Identifier::Personal(_) => Number::PersonalId(number),
        Identifier::Legacy(_) => Number::LegacyId(number),
        Identifier::TaxCode(_) => Number::TaxCode(number),
        Identifier::InsuranceCode(_) => Number::InsuranceCode(number),
    };
    ResolveIdentifierRequest {
        context: Some(ask_context(context)),
        identifier: Some(number),
    }
}

/// A gRPC request with the trace it belongs to.
pub(super) fn traced<T>(message: T, context: &Context<'_>) -> Request<T> {
    let mut request = Request::new(message);
    let parent = context.traceparent.map(MetadataValue::try_from);
    if let Some(Ok(parent)) = parent {
        request.metadata_mut().insert("traceparent", parent);
    }
    request
}

fn ask_context(context: &Context<'_>) -> AskContext {
    let request = context.request;
    let officer = request.officer.as_ref().map(|officer| officer.reveal());
    let dossier = request.dossier.as_ref().map(|dossier| dossier.reveal());
    let procedure = request.procedure.as_ref().map(|code| code.as_str());
    AskContext {
        request_id: request.id.to_string(),
        caller_agency: context.caller.agency().as_str().to_owned(),
        purpose_code: request.purpose.as_str().to_owned(),
        agreement_id: context.agreement.to_owned(),
        procedure_code: procedure.unwrap_or_default().to_owned(),
        dossier_no: dossier.unwrap_or_default().to_owned(),
        officer_id: officer.unwrap_or_default().to_owned(),
    }
}
