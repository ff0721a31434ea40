//! Residence, identity card, telephone and e-mail.

use jiff::ToSpan;
use jiff::civil::Date;

use super::REFERENCE;
use super::draw::Topic;
use super::facts::Facts;
use super::life::age_on;
use super::places::{address, province};
use crate::person::{Card, Residence, TemporaryAbsence, TemporaryResidence};

impl Facts<'_> {
    pub(crate) fn residence(&self) -> Residence {
        let mut draw = self.draw(Topic::Residence);
        let away = self.is_complete()
            || (!self.is_persona() && self.age() >= 18 && self.death.is_none() && draw.chance(120));
        let elsewhere = address(&mut draw, province(&mut self.draw(Topic::Work)));
        let from = draw.day(REFERENCE.saturating_sub(600.days()), REFERENCE);
        let temporary = away.then(|| TemporaryResidence {
            address: elsewhere.clone(),
            from,
            // Granted for two years at most.
            to: from.saturating_add(2.years()),
        });
        let declared = away && (self.is_complete() || draw.chance(200));
        Residence {
            permanent: self.address.clone(),
            current: if away {
                elsewhere
            } else {
                self.address.clone()
            },
            temporary,
            temporary_absence: declared.then(|| TemporaryAbsence {
                from,
                to: from.saturating_add(1.year()),
                reason: draw.pick(&["Lao động", "Học tập", "Chữa bệnh"]),
            }),
            file_no: format!("{}.{}", self.address.old.commune, draw.digits(6)),
        }
    }

    /// A card from the age of 14, renewed at 25, 40 and 60 (Law 26/2023 Art. 21).
    pub(crate) fn card(&self) -> Option<Card> {
        if self.age() < 14 {
            return None;
        }
        let mut draw = self.draw(Topic::Papers);
        let earliest = self.birthday(14).max(CARDS_BEGIN);
        let issued_on = draw.day(earliest, self.last_day());
        let age = age_on(self.birth, issued_on);
        let until = [25, 40, 60].into_iter().find(|limit| age < *limit);
        let issuer = if issued_on >= LAW_IN_FORCE {
            "Bộ Công an"
        } else {
            "Cục Cảnh sát quản lý hành chính về trật tự xã hội"
        };
        Some(Card {
            issued_on,
            issuer,
            expires_on: until.map(|age| self.birthday(age)),
        })
    }

    /// A number of a range that no operator gives out: `+84 100`.
    pub(crate) fn phone(&self) -> String {
        format!("0100{}", self.draw(Topic::Residence).digits(6))
    }

    /// An address of a domain that is reserved for examples.
    pub(crate) fn email(&self) -> String {
        format!("nguoi.thu.{}@example.vn", self.draw(Topic::Body).digits(8))
    }
}

/// Cards with a chip are issued since then.
const CARDS_BEGIN: Date = jiff::civil::date(2021, 3, 1);
/// Law 26/2023 on Identification is in force since then.
const LAW_IN_FORCE: Date = jiff::civil::date(2024, 7, 1);
