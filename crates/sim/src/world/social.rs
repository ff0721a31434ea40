//! Social security and social assistance.

use jiff::ToSpan;
use jiff::civil::Date;

use super::REFERENCE;
use super::draw::{Draw, Topic};
use super::facts::Facts;
use crate::person::{
    Assistance, Benefit, Disability, HealthCard, Participation, Poverty, SocialSecurity, YearMonth,
};

impl Facts<'_> {
    pub(crate) fn social(&self) -> SocialSecurity {
        let mut draw = self.draw(Topic::Social);
        let insurance_code = self.world.insurance_code(&self.being);
        let household_code = self.world.household_code(&self.home.owner);
        let participation = self.participation();
        let disability = self.disability();
        let poverty = self.poverty(&household_code);
        SocialSecurity {
            old_book_no: format!("{}{}", self.address.old.province, draw.digits(8)),
            benefits: self.benefits(&participation),
            health_cards: self.health_cards(&insurance_code, !poverty.is_empty()),
            assistance: self.assistance(disability.is_some()),
            insurance_code,
            household_code,
            participation,
            disability,
            poverty,
        }
    }

    /// One to four jobs between 20 and retirement; some people have none.
    fn participation(&self) -> Vec<Participation> {
        let mut draw = self.draw(Topic::Work);
        let first = self.birthday(20).max(INSURANCE_BEGINS);
        let last = self.birthday(61).min(self.last_day());
        let insured = self.is_persona() || draw.chance(850);
        if !insured || self.age() < 20 || first >= last {
            return Vec::new();
        }
        let mut periods = Vec::new();
        let mut from = first.saturating_add(draw.within(0, 700).days()).min(last);
        for nth in 0..4 {
            let to = from.saturating_add(draw.within(400, 4000).days());
            let ends = to < last || self.birthday(61) <= last || self.death.is_some();
            periods.push(period(&mut draw, from, to.min(last), ends));
            from = to.saturating_add(draw.within(20, 400).days());
            if from >= last || (nth > 0 && draw.chance(300)) {
                break;
            }
        }
        periods
    }

    fn benefits(&self, work: &[Participation]) -> Vec<Benefit> {
        let mut draw = self.draw(Topic::Assistance);
        let mut benefits = Vec::new();
        for period in work {
            if self.is_complete() || draw.chance(300) {
                let kind = draw.pick(&["OM_DAU", "OM_DAU", "BHTN", "TNLD"]);
                let start = month_start(period.from);
                let from = draw.day(start, start.saturating_add(300.days()).min(self.last_day()));
                let to = from.saturating_add(draw.within(3, 60).days());
                let amount = period.salary / 26 * draw.within(2, 20);
                let paid = (to.min(REFERENCE), "DA_CHI_TRA");
                benefits.push(benefit(&mut draw, kind, from, Some(paid), amount));
            }
        }
        // A pension needs twenty years; the periods of the synthetic come close enough.
        if self.age() >= 62 && !work.is_empty() {
            let end = self.death.map(|death| (death, "DUNG"));
            let amount = draw.within(28, 90) * 100_000;
            benefits.push(benefit(
                &mut draw,
                "HUU_TRI",
                self.birthday(61),
                end,
                amount,
            ));
        }
        benefits
    }

    fn health_cards(&self, insurance_code: &str, poor: bool) -> Vec<HealthCard> {
        let mut draw = self.draw(Topic::Health);
        if !self.is_persona() && draw.chance(60) {
            return Vec::new();
        }
        let (object, level) = match self.age() {
            ..6 => ("TE", 1),
            _ if poor => ("HN", 2),
            6..18 => ("HS", 4),
            62.. => ("HT", 3),
            _ => draw.pick(&[("DN", 4), ("DN", 4), ("GD", 4), ("HC", 4)]),
        };
        let province = self.address.old.province;
        let hospital = draw.within(1, 99);
        let last_year = self.last_day().year();
        let card = |year: i16| {
            let first_day = jiff::civil::date(year, 1, 1).max(self.birth);
            HealthCard {
                number: format!("{object}{level}{province}{insurance_code}"),
                from: first_day,
                to: jiff::civil::date(year, 12, 31),
                facility: format!("{province}{hospital:03}"),
                facility_name: format!("Trung tâm Y tế {}", self.address.old.district_name),
                level,
                five_years_on: (self.age() >= 6).then(|| jiff::civil::date(year - 1, 1, 1)),
                copay_exempt_from: (hospital == 7).then(|| jiff::civil::date(year, 7, 1)),
            }
        };
        let first_year = (last_year - 1).max(self.birth.year());
        (first_year..=last_year).map(card).collect()
    }

    fn disability(&self) -> Option<Disability> {
        let mut draw = self.draw(Topic::Body);
        if !self.is_complete() && !draw.chance(25) {
            return None;
        }
        Some(Disability {
            form: draw.pick(&[
                "VAN_DONG",
                "NGHE_NOI",
                "NHIN",
                "THAN_KINH",
                "TRI_TUE",
                "KHAC",
            ]),
            level: draw.pick(&[1, 2, 2, 3, 3, 3]),
            certificate_no: format!("{}/KT", draw.digits(7)),
            certified_on: draw.day(self.birth.max(INSURANCE_BEGINS), self.last_day()),
        })
    }

    fn assistance(&self, disabled: bool) -> Vec<Assistance> {
        let mut draw = self.draw(Topic::Certificate);
        let orphan = self.being.persona() == Some(3) && self.age() < 16;
        let group = match self.age() {
            _ if orphan => 1,
            _ if disabled => 6,
            80.. => 5,
            ..3 if draw.chance(30) => 7,
            20..60 if draw.chance(4) => 4,
            _ => return Vec::new(),
        };
        let start = match group {
            5 => self.birthday(80),
            _ => self.birth.max(DECREE_20),
        };
        let from = draw.day(start.max(DECREE_20).min(self.last_day()), self.last_day());
        let coefficient = draw.within(10, 25);
        let cash = draw.chance(400) && !self.is_persona();
        vec![Assistance {
            group,
            decision_no: format!("{}/QĐ-UBND", draw.digits(4)),
            from,
            to: self.death,
            coefficient_tenths: u8::try_from(coefficient).unwrap_or(10),
            amount: 50_000 * coefficient,
            payment: if cash { "TIEN_MAT" } else { "TAI_KHOAN" },
            account: (!cash).then(|| format!("0000{}", draw.digits(9))),
        }]
    }

    /// The status of the household: the same for all its members.
    fn poverty(&self, household_code: &str) -> Vec<Poverty> {
        let mut draw = self.world.draw(Topic::Home, self.home.owner.key() | POOR);
        if !self.is_complete() && (self.is_persona() || !draw.chance(50)) {
            return Vec::new();
        }
        let kind = draw.pick(&["HO_NGHEO", "HO_CAN_NGHEO"]);
        let last = self.last_day().year();
        let first = last - draw.within(0, 3) as i16;
        (first.max(self.birth.year())..=last)
            .map(|year| Poverty {
                year,
                household_code: household_code.to_owned(),
                kind,
            })
            .collect()
    }
}

fn period(draw: &mut Draw, from: Date, to: Date, ends: bool) -> Participation {
    let voluntary = draw.chance(80);
    let (kind, employer) = if voluntary {
        ("TN", "Đại lý thu xã, phường".to_owned())
    } else {
        let field = draw.pick(&["Dệt may", "Xây dựng", "Thương mại", "Cơ khí", "Thủy sản"]);
        let name = draw.pick(&["An Phát", "Hòa Bình", "Đại Thành", "Sao Mai", "Minh Đức"]);
        ("BB", format!("Công ty TNHH {field} {name}"))
    };
    Participation {
        from: month(from),
        to: ends.then(|| month(to)),
        employer_code: format!("T{}", draw.digits(6)),
        employer,
        kind,
        salary: draw.within(48, 250) * 100_000,
        title: draw.pick(&[
            "Công nhân",
            "Nhân viên",
            "Kế toán",
            "Kỹ sư",
            "Lái xe",
            "Giáo viên",
        ]),
        status: if ends { "CHOT_SO" } else { "DANG_DONG" },
    }
}

fn benefit(
    draw: &mut Draw,
    kind: &'static str,
    from: Date,
    end: Option<(Date, &'static str)>,
    amount: i64,
) -> Benefit {
    Benefit {
        kind,
        decision_no: format!("{}/QĐ-BHXH", draw.digits(5)),
        from,
        to: end.map(|(day, _)| day.max(from)),
        amount,
        status: end.map_or("DANG_CHI_TRA", |(_, status)| status),
    }
}

fn month(date: Date) -> YearMonth {
    YearMonth {
        year: date.year(),
        month: date.month(),
    }
}

const fn month_start(month: YearMonth) -> Date {
    jiff::civil::date(month.year, month.month, 1)
}

/// Compulsory insurance in today's form began then.
const INSURANCE_BEGINS: Date = jiff::civil::date(1995, 1, 1);
/// Decree 20/2021 is in force since then.
const DECREE_20: Date = jiff::civil::date(2021, 7, 1);
/// Keeps the draw of poverty apart from that of the address.
const POOR: u64 = 1 << 60;
