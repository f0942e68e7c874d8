//! Measures cases side by side: in each round every case runs for about a millisecond, so that what disturbs the machine
//! disturbs all of them. What is told is the median over the rounds, of a case's time and of its ratio to another case in
//! the same round.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

const BATCH: Duration = Duration::from_millis(1);

/// Cases that are measured together.
pub struct Rounds<'a> {
    title: &'static str,
    count: usize,
    batch: Duration,
    cases: Vec<Case<'a>>,
    between: Box<dyn FnMut() + 'a>,
}

/// One thing that takes time.
pub struct Case<'a> {
    name: &'static str,
    run: Box<dyn FnMut(u32) -> Duration + 'a>,
    iterations: u32,
    less: Option<usize>,
    over: Option<usize>,
    hidden: bool,
    /// What one iteration took in each round, in nanoseconds.
    nanos: Vec<f64>,
}

impl<'a> Rounds<'a> {
    pub fn new(title: &'static str, count: usize) -> Self {
        let count = std::env::var("ROUNDS").ok().and_then(|count| count.parse().ok()).unwrap_or(count);
        Self { title, count, batch: BATCH, cases: Vec::new(), between: Box::new(|| {}) }
    }

    /// Each case runs for about so long in each round.
    pub fn batch(mut self, batch: Duration) -> Self {
        self.batch = batch;
        self
    }

    /// Adds a case that is one call of `once`, and gives its number.
    pub fn case<T>(&mut self, name: &'static str, mut once: impl FnMut() -> T + 'a) -> usize {
        self.timed(name, move |iterations| {
            let began = Instant::now();
            for _ in 0..iterations {
                black_box(once());
            }
            began.elapsed()
        })
    }

    /// Adds a case that does so many iterations by itself and says how long they took, and gives its number.
    pub fn timed(&mut self, name: &'static str, run: impl FnMut(u32) -> Duration + 'a) -> usize {
        let run = Box::new(run);
        let case =
            Case { name, run, iterations: 1, less: None, over: None, hidden: false, nanos: Vec::new() };
        self.cases.push(case);
        self.cases.len() - 1
    }

    /// Takes the time of the case `less`, which is a part of `case` that nobody asks about, off it.
    pub fn less(&mut self, case: usize, less: usize) {
        self.cases[case].less = Some(less);
        self.cases[less].hidden = true;
    }

    /// Tells the time of `case` as a multiple of that of `over`.
    pub fn over(&mut self, case: usize, over: usize) {
        self.cases[case].over = Some(over);
    }

    /// Something to do before each round.
    pub fn between(&mut self, between: impl FnMut() + 'a) {
        self.between = Box::new(between);
    }

    /// Measures, and prints a row for each case.
    pub fn print(mut self) {
        for case in &mut self.cases {
            while (case.run)(case.iterations) < self.batch && case.iterations < 1 << 24 {
                case.iterations *= 2;
            }
        }
        for round in 0..self.count {
            (self.between)();
            // There and back, so that no case always comes after the same other one.
            for n in 0..self.cases.len() {
                let at = if round % 2 == 0 { n } else { self.cases.len() - 1 - n };
                let case = &mut self.cases[at];
                let took = (case.run)(case.iterations);
                case.nanos.push(took.as_nanos() as f64 / f64::from(case.iterations));
            }
        }
        println!("\n| {} | time | ratio | quartiles of the ratio |\n|---|---|---|---|", self.title);
        for (n, case) in self.cases.iter().enumerate().filter(|(_, case)| !case.hidden) {
            let [_, time, _] = quartiles(self.net(n));
            let ratio = case.over.map_or(String::from("| "), |over| {
                let ratios = self.net(n).into_iter().zip(self.net(over)).map(|(case, over)| case / over);
                let [low, median, high] = quartiles(ratios.collect());
                format!("{median:.2} × {} | {low:.2} to {high:.2}", self.cases[over].name)
            });
            println!("| {} | {} | {ratio} |", case.name, time_text(time));
        }
    }

    fn net(&self, case: usize) -> Vec<f64> {
        let case = &self.cases[case];
        let Some(less) = case.less else { return case.nanos.clone() };
        case.nanos.iter().zip(&self.cases[less].nanos).map(|(all, less)| all - less).collect()
    }
}

/// A quarter of all is below the first, half below the second, three quarters below the third.
pub fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}

pub fn time_text(nanos: f64) -> String {
    match nanos.abs() {
        0.0..1e4 => format!("{nanos:.0} ns"),
        1e4..1e7 => format!("{:.1} µs", nanos / 1e3),
        _ => format!("{:.1} ms", nanos / 1e6),
    }
}
