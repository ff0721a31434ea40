//! A synthetic citizen as `CongDan`: the elements asked for, in the order of `congdan.xsd`.
//!
//! The quirks are the agency's: whole names in capitals in `Ten`, places of long ago in the units
//! of 2004, places of today in those of 2025 with an empty `MaQuanHuyen`.

use exchange::{CitizenId, Field, FieldSet, Sex};
use sim::Person;
use sim::person::{IdStatus, MaritalStatus};

use super::page::{Page, compact};

/// `TrangThai` of a number in force, replaced, cancelled.
const STATUS: [&str; 3] = ["1", "2", "3"];

/// Renders the citizen who was asked for by a number, or found behind an old one.
pub(super) fn citizen(person: &Person, asked: &CitizenId, fields: &FieldSet) -> String {
    let mut page = Page {
        out: String::with_capacity(4_096),
        person,
        fields,
    };
    page.out.push_str("<ns1:CongDan>");
    let [current, replaced, cancelled] = STATUS;
    if person.status == IdStatus::Cancelled && person.personal_id != *asked {
        // The number leads to nobody: it is said to be cancelled, and whose it was is not.
        page.text("SoDinhDanh", asked.reveal());
        page.text("TrangThai", cancelled);
    } else {
        page.text("SoDinhDanh", person.personal_id.reveal());
        page.previous(asked);
        let is_current = person.personal_id == *asked;
        page.text("TrangThai", if is_current { current } else { replaced });
        page.identity();
        page.places();
        page.relatives();
        page.papers();
    }
    page.out.push_str("</ns1:CongDan>");
    page.out
}

impl Page<'_> {
    /// Old numbers: all if they are asked for, else the one by which the person was asked for.
    fn previous(&mut self, asked: &CitizenId) {
        let all = self.wants(Field::PopulationPreviousIds);
        for previous in &self.person.previous_ids {
            if all || previous.personal_id == *asked {
                self.text("SoDinhDanhCu", previous.personal_id.reveal());
            }
        }
    }

    fn identity(&mut self) {
        let person = self.person;
        if self.wants(Field::PopulationLegacyIds) {
            for number in &person.legacy_ids {
                self.text("SoCMND", number);
            }
        }
        if self.wants(Field::PopulationName) {
            self.name(&person.name);
        }
        if self.wants(Field::PopulationOtherNames) {
            for name in &person.other_names {
                self.own("TenGoiKhac", name);
            }
        }
        let sex = match person.sex {
            Sex::Male => "1",
            Sex::Female => "2",
        };
        // The wire knows one number for divorced and widowed.
        let marital = match person.marital_status {
            MaritalStatus::Unknown => "0",
            MaritalStatus::Single => "1",
            MaritalStatus::Married => "2",
            MaritalStatus::Divorced | MaritalStatus::Widowed => "3",
        };
        let blood = format!("{:02}", person.blood_group as u8);
        if self.wants(Field::PopulationSex) {
            self.text("GioiTinh", sex);
        }
        if self.wants(Field::PopulationBirthDate) {
            self.partial("NgayThangNamSinh", person.birth_date);
        }
        for (field, name, code) in [
            (Field::PopulationEthnicity, "DanToc", person.ethnicity),
            (Field::PopulationReligion, "TonGiao", person.religion),
            (Field::PopulationNationality, "QuocTich", person.nationality),
            (Field::PopulationMaritalStatus, "TinhTrangHonNhan", marital),
            (Field::PopulationBloodGroup, "NhomMau", blood.as_str()),
        ] {
            if self.wants(field) {
                self.text(name, code);
            }
        }
    }

    fn places(&mut self) {
        let person = self.person;
        let residence = &person.residence;
        let temporary = residence.temporary.as_ref().map(|stay| &stay.address);
        let birth = &person.birth_registration_place;
        for (field, name, address, of_today) in [
            (
                Field::PopulationBirthRegistrationPlace,
                "NoiDangKyKhaiSinh",
                Some(birth),
                false,
            ),
            (
                Field::PopulationNativePlace,
                "QueQuan",
                Some(&person.native_place),
                false,
            ),
            (
                Field::PopulationPermanentResidence,
                "ThuongTru",
                Some(&residence.permanent),
                true,
            ),
            (
                Field::PopulationCurrentResidence,
                "NoiOHienTai",
                Some(&residence.current),
                true,
            ),
            (
                Field::PopulationTemporaryResidence,
                "NoiTamTru",
                temporary,
                true,
            ),
        ] {
            if let Some(address) = address.filter(|_| self.wants(field)) {
                self.nest(name, |page| page.address(address, of_today));
            }
        }
    }

    fn relatives(&mut self) {
        let person = self.person;
        let representative = person.representative.as_ref().map(|it| &it.person);
        for (field, name, relative) in [
            (Field::PopulationFather, "Cha", person.father.as_ref()),
            (Field::PopulationMother, "Me", person.mother.as_ref()),
            (Field::PopulationSpouse, "VoChong", person.spouse.as_ref()),
            (
                Field::PopulationRepresentative,
                "NguoiDaiDien",
                representative,
            ),
        ] {
            if let Some(relative) = relative.filter(|_| self.wants(field)) {
                self.nest(name, |page| page.relative(relative, None));
            }
        }
        if self.wants(Field::PopulationHouseholdHead) {
            let household = &person.household;
            self.nest("ChuHo", |page| {
                page.relative(&household.head, Some(household.relation));
            });
        }
    }

    fn papers(&mut self) {
        let person = self.person;
        if self.wants(Field::PopulationHouseholdBookNo) {
            self.text("SoSoHoKhau", &person.household.book_no);
        }
        if let Some(card) = person
            .card
            .as_ref()
            .filter(|_| self.wants(Field::PopulationCard))
        {
            self.nest("TheCanCuoc", |page| {
                page.text("NgayCap", &compact(card.issued_on));
                page.own("NoiCap", card.issuer);
                page.text(
                    "NgayHetHan",
                    &card.expires_on.map(compact).unwrap_or_default(),
                );
            });
        }
        self.absence();
        if self.wants(Field::PopulationResidenceFileNo) {
            self.text("SoHoSoCuTru", &person.residence.file_no);
        }
        if let Some(death) = person
            .death
            .as_ref()
            .filter(|_| self.wants(Field::PopulationDeath))
        {
            self.nest("ChetMatTich", |page| {
                page.text("Loai", "1");
                page.partial("Ngay", death.date);
            });
        }
        for (field, name, text) in [
            (Field::PopulationPhone, "SoDienThoai", &person.phone),
            (Field::PopulationEmail, "ThuDienTu", &person.email),
        ] {
            if let Some(text) = text.as_ref().filter(|_| self.wants(field)) {
                self.text(name, text);
            }
        }
    }

    fn absence(&mut self) {
        let residence = &self.person.residence;
        let wanted = self.wants(Field::PopulationTemporaryAbsence);
        if let Some(absence) = residence.temporary_absence.as_ref().filter(|_| wanted) {
            let destination = residence.temporary.as_ref();
            let destination = destination.map(|stay| stay.address.line_2025());
            self.nest("TamVang", |page| {
                page.text("TuNgay", &compact(absence.from));
                page.text("DenNgay", &compact(absence.to));
                page.own("NoiDen", &destination.unwrap_or_default());
                page.own("LyDo", absence.reason);
            });
        }
    }
}
