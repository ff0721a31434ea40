//! What the simulated register is sent, checked as strictly as a real one would.

use exchange::{AgencyCode, CitizenId, FieldSet, PartialDate, name_key};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::translate;

/// A login.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Login {
    pub(super) tai_khoan: String,
    pub(super) mat_khau: String,
}

/// A question about a dossier.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DossierRef {
    pub(super) ma_ho_so: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Draft {
    ma_yeu_cau: Option<String>,
    so_dinh_danh: Option<String>,
    danh_sach_truong: Option<Vec<String>>,
    don_vi: Option<String>,
    muc_dich: Option<String>,
    ho_ten: Option<String>,
    ngay_sinh: Option<String>,
}

/// An enquiry that can be answered.
pub(super) struct Enquiry {
    pub(super) request_id: String,
    pub(super) subject: CitizenId,
    pub(super) fields: FieldSet,
    /// The name the caller knows, as [`name_key`] writes it.
    pub(super) name: Option<String>,
    pub(super) birth_date: Option<PartialDate>,
}

/// The number of the refusal that a wrong enquiry meets.
pub(super) type Refused = u16;

impl Enquiry {
    /// Reads an enquiry.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refused> {
        let draft: Draft = read(body)?;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty()).ok_or(INCOMPLETE);
        let request_id = given(draft.ma_yeu_cau)?;
        let number = given(draft.so_dinh_danh)?;
        let elements = draft.danh_sach_truong.ok_or(INCOMPLETE)?;
        let office = given(draft.don_vi)?;
        given(draft.muc_dich)?;
        AgencyCode::parse(&office).ok_or(WRONG_OFFICE)?;
        let fields = elements.iter().map(|element| translate::field(element));
        let birth_date = match draft.ngay_sinh {
            Some(text) => Some(birth_date(&text).ok_or(WRONG_DATA)?),
            None => None,
        };
        Ok(Self {
            request_id,
            subject: CitizenId::from_agency(&number).ok_or(WRONG_DATA)?,
            fields: fields.collect::<Option<_>>().ok_or(WRONG_TYPE)?,
            name: draft.ho_ten.as_deref().map(name_key),
            birth_date,
        })
    }
}

/// Reads a body of JSON.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|_| WRONG_DATA)
}

fn birth_date(text: &str) -> Option<PartialDate> {
    let date = translate::read_date(text)?;
    PartialDate::new(date.year, date.month, date.day).ok()
}

const WRONG_OFFICE: Refused = 106;
const INCOMPLETE: Refused = 200;
const WRONG_TYPE: Refused = 302;
const WRONG_DATA: Refused = 500;

#[cfg(test)]
mod tests {
    use super::*;
    use exchange::Field;

    const GOOD: &str = r#"{"maYeuCau": "r-1", "soDinhDanh": "999099001000", "donVi": "G18",
        "mucDich": "P1", "danhSachTruong": ["soDinhDanh", "me"], "ngaySinh": "01/1999"}"#;

    #[test]
    fn a_wrong_enquiry_meets_the_number_of_its_defect() {
        let refused = |from: &str, to: &str| {
            let body = GOOD.replace(from, to);
            assert_ne!(body, GOOD);
            Enquiry::read(body.as_bytes()).err()
        };
        assert_eq!(refused("{", ""), Some(500));
        assert_eq!(refused("maYeuCau", "x"), Some(200));
        assert_eq!(refused("r-1", ""), Some(200));
        assert_eq!(refused("mucDich", "x"), Some(200));
        assert_eq!(refused("G18", "G 18"), Some(106));
        assert_eq!(refused("999099001000", "99909900100"), Some(500));
        assert_eq!(refused("\"me\"", "\"*\""), Some(302));
        assert_eq!(refused("01/1999", "13/1999"), Some(500));
    }

    #[test]
    fn a_good_enquiry_is_read_as_it_is() {
        let Ok(enquiry) = Enquiry::read(GOOD.as_bytes()) else {
            panic!("refused");
        };
        let asked = [Field::CivilStatusPersonalId, Field::CivilStatusMother];
        assert_eq!(enquiry.fields, FieldSet::from_iter(asked));
        assert_eq!(enquiry.birth_date, PartialDate::new(1999, 1, 0).ok());
    }
}
