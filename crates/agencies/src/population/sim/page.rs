//! The page on which a citizen is written: elements, names, addresses, people, dates.
//!
//! Not here: which elements of a citizen are written (`render`).

use exchange::{CitizenId, Field, FieldSet, PartialDate};
use jiff::civil::Date;
use sim::Person;
use sim::person::{Address, Name, Relation, Relative};

use crate::population::wire::element;

/// A page.
pub(super) struct Page<'a> {
    pub(super) out: String,
    pub(super) person: &'a Person,
    pub(super) fields: &'a FieldSet,
}

impl Page<'_> {
    pub(super) fn wants(&self, field: Field) -> bool {
        self.fields.contains(field)
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        element(&mut self.out, "ns1", name, text);
    }

    /// A text of the person, in the composition in which theirs travel.
    pub(super) fn own(&mut self, name: &str, text: &str) {
        let text = self.person.wire_text(text);
        element(&mut self.out, "ns1", name, &text);
    }

    pub(super) fn nest(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        for part in ["<ns1:", name, ">"] {
            self.out.push_str(part);
        }
        inside(self);
        for part in ["</ns1:", name, ">"] {
            self.out.push_str(part);
        }
    }

    pub(super) fn address(&mut self, address: &Address, of_today: bool) {
        if of_today {
            self.text("MaTinhThanh", address.new.province);
            self.text("MaQuanHuyen", "");
            self.text("MaPhuongXa", &address.new.commune);
        } else {
            self.text("MaTinhThanh", address.old.province);
            self.text("MaQuanHuyen", &address.old.district);
            self.text("MaPhuongXa", &address.old.commune);
        }
        self.own("ChiTiet", &address.detail);
        self.text("QuocGia", address.country);
    }

    pub(super) fn relative(&mut self, relative: &Relative, relation: Option<Relation>) {
        if let Some(relation) = relation {
            self.text("QuanHe", relation.code());
        }
        let id = relative.personal_id.as_ref().map(CitizenId::reveal);
        self.text("SoDinhDanh", id.unwrap_or_default());
        self.text("SoCMND", relative.legacy_id.as_deref().unwrap_or_default());
        self.name(&relative.name);
        self.text("QuocTich", relative.nationality);
    }

    /// The whole name in capitals in `Ten`, with `Ho` and `ChuDem` empty.
    pub(super) fn name(&mut self, name: &Name) {
        let full = name.full_upper();
        self.nest("HoVaTen", |page| {
            page.text("Ho", "");
            page.text("ChuDem", "");
            page.own("Ten", &full);
        });
    }

    pub(super) fn partial(&mut self, name: &str, date: PartialDate) {
        let kind = match (date.month(), date.day()) {
            (Some(_), Some(_)) => "NgayThangNam",
            (Some(_), None) => "ThangNam",
            (None, _) => "Nam",
        };
        let text = date.reveal().replace('-', "");
        self.nest(name, |page| page.text(kind, &text));
    }
}

/// `yyyyMMdd`.
pub(super) fn compact(date: Date) -> String {
    date.strftime("%Y%m%d").to_string()
}
