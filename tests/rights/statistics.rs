//! Whether two samples of times differ: the test of Mann and Whitney, and how far.

/// What a comparison of two samples has found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    /// How probable it is that a value of the one is greater than one of the other, ties counting
    /// half: 0.5 if nothing tells them apart.
    pub(crate) a12: f64,
    /// How probable a difference like this is between samples of one kind, two-sided.
    pub(crate) p: f64,
}

/// Compares two samples.
pub(crate) fn compare(one: &[f64], other: &[f64]) -> Comparison {
    let (n, m) = (one.len() as f64, other.len() as f64);
    let of_one = one.iter().map(|value| (*value, true));
    let mut all: Vec<(f64, bool)> = of_one.chain(other.iter().map(|it| (*it, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut rank_sum, mut ties, mut at) = (0.0, 0.0, 0);
    while at < all.len() {
        let same = all[at..].iter().take_while(|it| it.0 == all[at].0).count();
        // Equal values share the middle of their ranks.
        let rank = at as f64 + (same as f64 + 1.0) / 2.0;
        let own = all[at..at + same].iter().filter(|it| it.1).count();
        rank_sum += rank * own as f64;
        ties += (same as f64).powi(3) - same as f64;
        at += same;
    }
    let u = rank_sum - n * (n + 1.0) / 2.0;
    let total = n + m;
    let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    let z = (u - n * m / 2.0) / variance.sqrt();
    Comparison {
        a12: u / (n * m),
        p: erfc(z.abs() / std::f64::consts::SQRT_2),
    }
}

/// The complementary error function of a number that is not negative, to seven digits.
fn erfc(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let terms = [
        1.061_405_429,
        -1.453_152_027,
        1.421_413_741,
        -0.284_496_736,
        0.254_829_592,
    ];
    terms.iter().fold(0.0, |sum, term| (sum + term) * t) * (-x * x).exp()
}

/// The value below which that part of a sample lies.
pub(crate) fn quantile(sample: &[f64], part: f64) -> f64 {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * part) as usize]
}

#[test]
fn a_shift_is_found_and_none_where_there_is_none() {
    let one: Vec<f64> = (0..1_000).map(f64::from).collect();
    let same = compare(&one, &one);
    assert!((same.a12 - 0.5).abs() < 1e-9 && same.p > 0.99, "{same:?}");
    let later: Vec<f64> = one.iter().map(|it| it + 100.0).collect();
    let shifted = compare(&one, &later);
    // 1 - (1 - 0.1)² / 2 of the pairs: 0.405 are greater.
    assert!((shifted.a12 - 0.405).abs() < 1e-3, "{shifted:?}");
    assert!(shifted.p < 1e-10, "{shifted:?}");
}

/// By hand: U = 4.5 of 25 pairs, three ties of two, z = −1.6865.
#[test]
fn the_probability_is_that_of_the_normal_approximation() {
    let found = compare(&[1.0, 2.0, 3.0, 4.0, 5.0], &[3.0, 4.0, 5.0, 6.0, 7.0]);
    assert!((found.a12 - 0.18).abs() < 1e-9, "{found:?}");
    assert!((found.p - 0.091_690).abs() < 1e-5, "{found:?}");
}
