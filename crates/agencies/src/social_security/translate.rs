//! Their words into ours: pure, and never failing. A code that is unknown becomes UNSPECIFIED, a
//! date that cannot be read is left out.

use std::borrow::Cow;

use adapter::is_nfc;
use api::v1;
use exchange::PartialDate;
use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization as _;

use super::wire;

/// The record of a row.
pub(super) fn record(row: wire::Person<'_>) -> v1::SocialSecurityRecord {
    v1::SocialSecurityRecord {
        personal_id: row.personal_id.trim().to_owned(),
        insurance_code: row.ma_so_bhxh.map(text).unwrap_or_default(),
        old_book_no: row.so_so_cu.map(text).unwrap_or_default(),
        household_code: row.ma_ho.map(text).unwrap_or_default(),
        name: row.ho_ten.map(text).and_then(name),
        birth_date: row.ngay_sinh.and_then(date),
        sex: sex(row.gioi_tinh).into(),
        participation: row.qua_trinh.into_iter().map(participation).collect(),
        benefits: row.che_do.into_iter().map(benefit).collect(),
        health_cards: row.the_bhyt.into_iter().map(health_card).collect(),
        assistance: row.tro_giup.into_iter().map(assistance).collect(),
        disability: row.khuyet_tat.map(disability),
        poverty_status: row.ho_ngheo.into_iter().map(poverty).collect(),
    }
}

/// The time for which they vouch.
pub(super) fn as_of(row: &wire::Person<'_>) -> Option<Timestamp> {
    Timestamp::try_from(row.as_of?).ok()
}

fn name(full: String) -> Option<v1::PersonName> {
    (!full.is_empty()).then(|| v1::PersonName {
        full,
        ..Default::default()
    })
}

fn sex(code: Option<i16>) -> v1::Sex {
    match code {
        Some(1) => v1::Sex::Male,
        Some(2) => v1::Sex::Female,
        _ => v1::Sex::Unspecified,
    }
}

fn participation(row: wire::QuaTrinh) -> v1::Participation {
    use v1::{InsuranceKind as Kind, ParticipationState as State};
    let kind = match row.loai.as_deref() {
        Some("BB") => Kind::Compulsory,
        Some("TN") => Kind::Voluntary,
        Some("BHTN") => Kind::Unemployment,
        _ => Kind::Unspecified,
    };
    let state = match row.trang_thai.as_deref() {
        Some("DANG_DONG") => State::Contributing,
        Some("NGHI_THAI_SAN") => State::Maternity,
        Some("CHOT_SO") => State::Closed,
        _ => State::Unspecified,
    };
    v1::Participation {
        period: period(row.tu_thang.as_deref(), row.den_thang.as_deref()),
        unit: owned(row.don_vi),
        kind: kind.into(),
        salary_vnd: row.muc_luong.unwrap_or_default(),
        job_title: owned(row.chuc_danh),
        state: state.into(),
    }
}

fn benefit(row: wire::CheDo) -> v1::Benefit {
    use v1::{BenefitKind as Kind, PaymentState as State};
    let kind = match row.loai.as_deref() {
        Some("OM_DAU") => Kind::Sickness,
        Some("THAI_SAN") => Kind::Maternity,
        Some("TNLD") => Kind::WorkAccident,
        Some("HUU_TRI") => Kind::Pension,
        Some("TU_TUAT") => Kind::Survivors,
        Some("MOT_LAN") => Kind::LumpSum,
        Some("BHTN") => Kind::Unemployment,
        _ => Kind::Unspecified,
    };
    let payment = match row.trang_thai.as_deref() {
        Some("DANG_CHI_TRA") => State::Paying,
        Some("DUNG") => State::Stopped,
        Some("DA_CHI_TRA") => State::Completed,
        _ => State::Unspecified,
    };
    v1::Benefit {
        kind: kind.into(),
        decision_no: owned(row.so_qd),
        period: period(row.tu_ngay.as_deref(), row.den_ngay.as_deref()),
        amount_vnd: row.so_tien.unwrap_or_default(),
        payment: payment.into(),
    }
}

fn health_card(row: wire::TheBhyt) -> v1::HealthInsuranceCard {
    v1::HealthInsuranceCard {
        card_no: owned(row.so_the),
        registered_facility: owned(row.noi_dkkcb),
        valid: period(row.tu_ngay.as_deref(), row.den_ngay.as_deref()),
        copay_exempt_from: row.mien_cct.as_deref().and_then(date),
        benefit_code: owned(row.muc_huong),
        five_years_since: row.du_5_nam.as_deref().and_then(date),
    }
}

fn assistance(row: wire::TroGiup) -> v1::Assistance {
    v1::Assistance {
        group: row.nhom.unwrap_or_default(),
        decision_no: owned(row.so_qd),
        period: period(row.tu_ngay.as_deref(), row.den_ngay.as_deref()),
        coefficient: owned(row.he_so),
        amount_vnd: row.muc.unwrap_or_default(),
        payment_form: owned(row.hinh_thuc),
    }
}

fn disability(row: wire::KhuyetTat) -> v1::Disability {
    use v1::DisabilityLevel as Level;
    let level = match row.muc_do {
        Some(1) => Level::EspeciallySevere,
        Some(2) => Level::Severe,
        Some(3) => Level::Light,
        _ => Level::Unspecified,
    };
    v1::Disability {
        kind: owned(row.dang),
        level: level.into(),
        certificate_no: owned(row.so_giay),
    }
}

fn poverty(row: wire::HoNgheo) -> v1::PovertyStatus {
    let kind = match row.loai.as_deref() {
        Some("HO_NGHEO") => v1::PovertyKind::Poor,
        Some("HO_CAN_NGHEO") => v1::PovertyKind::NearPoor,
        _ => v1::PovertyKind::Unspecified,
    };
    v1::PovertyStatus {
        year: row.nam.unwrap_or_default(),
        household_code: owned(row.ma_ho),
        kind: kind.into(),
    }
}

fn period(from: Option<&str>, to: Option<&str>) -> Option<v1::Period> {
    let period = v1::Period {
        from: from.and_then(date),
        to: to.and_then(date),
    };
    (period.from.is_some() || period.to.is_some()).then_some(period)
}

fn date(text: &str) -> Option<v1::PartialDate> {
    let date = PartialDate::parse(text)?;
    Some(v1::PartialDate {
        year: date.year().into(),
        month: date.month().unwrap_or_default().into(),
        day: date.day().unwrap_or_default().into(),
    })
}

/// NFC without spaces around it.
fn text(text: &str) -> String {
    nfc(text).into_owned()
}

/// The same of an element; a text that is right already is kept, not copied.
fn owned(element: Option<String>) -> String {
    let element = element.unwrap_or_default();
    match nfc(&element) {
        Cow::Borrowed(same) if same.len() == element.len() => element,
        Cow::Borrowed(trimmed) => trimmed.to_owned(),
        Cow::Owned(composed) => composed,
    }
}

fn nfc(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if is_nfc(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}
