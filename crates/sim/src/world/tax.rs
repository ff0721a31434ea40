//! The tax register.

use jiff::ToSpan;
use jiff::civil::Date;

use super::REFERENCE;
use super::draw::{Draw, Topic};
use super::facts::Facts;
use super::life::age_on;
use crate::person::{Dependant, Name, Obligation, PopulationMatch, Tax, TaxOffice, TaxpayerKind};

impl Facts<'_> {
    pub(crate) fn tax(&self, name: &Name) -> Tax {
        let mut draw = self.draw(Topic::Obligations);
        let kind = match self.age() {
            ..18 => TaxpayerKind::Dependant,
            _ if !self.is_persona() && draw.chance(120) => TaxpayerKind::HouseholdBusiness,
            _ => TaxpayerKind::Individual,
        };
        let adult_from = self.birthday(18).max(CODES_BEGIN);
        let registered_on = if kind == TaxpayerKind::Dependant {
            draw.day(self.birth.max(CODES_BEGIN), self.last_day())
        } else {
            let latest = adult_from.saturating_add(8.years()).min(self.last_day());
            draw.day(adult_from, latest)
        };
        Tax {
            tax_code: self.id.reveal().to_owned(),
            old_tax_codes: self.world.old_tax_codes(&self.being),
            taxpayer_name: name.full_upper(),
            kind,
            status: self.tax_status(&mut draw),
            office: self.tax_office(),
            head_address: self.address.clone(),
            registered_on,
            closed_on: self
                .death
                .map(|death| death.saturating_add(30.days()).min(REFERENCE)),
            dependants: self.dependants(),
            obligations: self.obligations(&mut draw, kind, registered_on),
            population_match: PopulationMatch::Matched,
        }
    }

    fn tax_status(&self, draw: &mut Draw) -> &'static str {
        if self.death.is_some() {
            return "01";
        }
        match draw.below(1000) {
            0..10 if !self.is_persona() => "06",
            10..20 if !self.is_persona() => "05",
            _ => "04",
        }
    }

    fn tax_office(&self) -> TaxOffice {
        let units = &self.address.new;
        TaxOffice {
            code: format!("{}{}", units.province, self.address.old.district),
            name: format!(
                "Thuế cơ sở {}, {}",
                self.address.old.district_name, units.province_name
            ),
        }
    }

    /// Children under 18, of one parent: the father's if he is alive, else the mother's.
    fn dependants(&self) -> Vec<Dependant> {
        if self.death.is_some() {
            return Vec::new();
        }
        let claims = match &self.wedding {
            Some(wedding) if wedding.is_divorced() => wedding.wife == self.being,
            Some(wedding) => {
                wedding.husband == self.being || self.world.death(&wedding.husband).is_some()
            }
            None => true,
        };
        let minor = |child: &&super::being::Being| {
            let age = age_on(self.world.birth(child), REFERENCE);
            // The grown-up child of persona 1 still studies.
            (age < 18 || self.is_complete()) && self.world.death(child).is_none()
        };
        if !claims && !self.is_complete() {
            return Vec::new();
        }
        let dependant = |child: &super::being::Being| Dependant {
            person: self.relative(child),
            relation: "Con",
            from: self
                .world
                .birth(child)
                .saturating_add(60.days())
                .min(REFERENCE),
            to: None,
        };
        self.children.iter().filter(minor).map(dependant).collect()
    }

    fn obligations(&self, draw: &mut Draw, kind: TaxpayerKind, since: Date) -> Vec<Obligation> {
        let first = since.year().max(2022);
        let last = self.last_day().year() - 1;
        if kind == TaxpayerKind::Dependant {
            return Vec::new();
        }
        let mut obligations = Vec::new();
        for year in (first..=last).rev() {
            if !self.is_persona() && draw.chance(200) {
                continue;
            }
            let tax = match kind {
                TaxpayerKind::HouseholdBusiness => BUSINESS.get(draw.place(BUSINESS.len())),
                TaxpayerKind::Individual | TaxpayerKind::Dependant => {
                    PERSONAL.get(draw.place(PERSONAL.len()))
                }
            };
            let Some((code, title)) = tax else { continue };
            let amount = draw.within(2, 400) * 50_000;
            let settled = self.is_persona() || draw.chance(900);
            obligations.push(Obligation {
                id: format!("{year}{}", draw.digits(9)),
                kind: code,
                title,
                period: year.to_string(),
                due_on: jiff::civil::date(year + 1, 4, 30),
                amount,
                paid: if settled { amount } else { amount / 4 },
            });
        }
        obligations
    }
}

/// Personal tax codes are given out since the Law on Personal Income Tax is in force.
const CODES_BEGIN: Date = jiff::civil::date(2009, 1, 1);

/// Sub-items of the state budget.
const PERSONAL: [(&str, &str); 4] = [
    ("1001", "Thuế thu nhập cá nhân từ tiền lương, tiền công"),
    ("1001", "Thuế thu nhập cá nhân từ tiền lương, tiền công"),
    ("1602", "Thuế sử dụng đất phi nông nghiệp"),
    (
        "1006",
        "Thuế thu nhập cá nhân từ chuyển nhượng bất động sản",
    ),
];
const BUSINESS: [(&str, &str); 3] = [
    ("1701", "Thuế giá trị gia tăng"),
    ("1003", "Thuế thu nhập cá nhân từ sản xuất, kinh doanh"),
    ("2864", "Lệ phí môn bài"),
];
