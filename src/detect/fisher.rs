//! Fisher's exact test: whether two shares differ by more than chance (Fisher, Statistical Methods for Research Workers, section
//! 21.02).

/// Fisher's exact test, two-sided: the chance of a table as unlikely as this one, given its margins.
pub fn fisher(a: (u64, u64), b: (u64, u64)) -> f64 {
    let (trials, hits) = (a.1 + b.1, a.0 + b.0);
    let table = |k: u64| choose(a.1, k) + choose(b.1, hits - k) - choose(trials, hits);
    let seen = table(a.0);
    // Tables that are equally likely must not be lost to rounding.
    let sum: f64 = (hits.saturating_sub(b.1)..=hits.min(a.1)).map(table).filter(|t| *t <= seen + 1e-7).map(f64::exp).sum();
    sum.min(1.0)
}

/// Logarithm of a binomial coefficient.
fn choose(n: u64, k: u64) -> f64 {
    factorial(n) - factorial(k) - factorial(n - k)
}

/// Logarithm of a factorial: exact up to 20, Stirling's series beyond (NIST DLMF 5.11.1; wrong by less than 1e-10).
fn factorial(n: u64) -> f64 {
    if n <= 20 {
        return ((1..=n).product::<u64>() as f64).ln();
    }
    let x = n as f64;
    let half_of_two_pi = 0.5 * std::f64::consts::TAU.ln();
    (x + 0.5) * x.ln() - x + half_of_two_pi + (1.0 - (1.0 - 2.0 / (7.0 * x * x)) / (30.0 * x * x)) / (12.0 * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fishers_test() {
        // The lady tasting tea (Fisher, The Design of Experiments, 1935): 3 of 4 right, two-sided 34 of 70; all right, 2 of 70.
        assert!((fisher((3, 4), (1, 4)) - 34.0 / 70.0).abs() < 1e-12);
        assert!((fisher((4, 4), (0, 4)) - 2.0 / 70.0).abs() < 1e-12);
        assert!((fisher((5, 5), (0, 5)) - 2.0 / 252.0).abs() < 1e-12);
        assert_eq!(fisher((0, 7), (0, 9)), 1.0);
        assert!((fisher((10, 20), (10, 20)) - 1.0).abs() < 1e-9);
        // ln 100! (DLMF 5.11)
        assert!((factorial(100) - 363.739_375_555_563_5).abs() < 1e-9);
        assert!((factorial(21) - factorial(20) - 21f64.ln()).abs() < 1e-10);
    }
}
