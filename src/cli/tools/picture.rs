//! The drawing of a graph in Graphviz's language.

use std::collections::BTreeMap;
use std::io::{self, Write};

use petgraph::adj::UnweightedList;
use petgraph::algo::tred::dag_transitive_reduction_closure;
use petgraph::visit::IntoNeighbors as _;

use super::plan::Plan;
use super::selection::Part;
use crate::index::Rows;

/// The packages to draw.
pub(super) struct Picture<'a> {
    pub(super) plan: &'a Plan,
    pub(super) part: &'a Part,
    /// Those that the user named.
    pub(super) centres: &'a [u32],
    pub(super) title: String,
    /// Whether a package has neighbours that are not drawn.
    pub(super) goes_on: &'a dyn Fn(u32) -> bool,
}

/// The default look. Drawings go from left to right, because names are longer than pictures are wide.
const LOOK: &str = r##"labelloc=t,
    rankdir=LR, nodesep=0.15, ranksep=0.7, pad=0.3, bgcolor=white,
    fontname="Helvetica,Arial,sans-serif", fontsize=18, fontcolor="#243b53"
  ];
  node [
    shape=box, style="rounded,filled", fillcolor="#f0f4f8", color="#9fb3c8", height=0.32, margin="0.14,0.05",
    fontname="Helvetica,Arial,sans-serif", fontsize=12, fontcolor="#243b53"
  ];
  edge [color="#829ab1", arrowsize=0.6];"##;

const CENTRE: &str = r##"fillcolor="#0b69a3", color="#035388", fontcolor=white"##;
const GOES_ON: &str = r#"style="rounded,filled,dashed""#;
const ON_CYCLE: &str = r##"color="#c0392b", penwidth=1.4"##;

impl Picture<'_> {
    /// Prints the drawing. No name needs escaping: it contains neither a quote nor a backslash.
    pub(super) fn write(&self, output: &mut impl Write) -> io::Result<()> {
        let Self { plan, part: Part { packages, rows }, centres, title, goes_on } = self;
        writeln!(output, "digraph packages {{\n  graph [\n    label=\"{title}\\n \", {LOOK}")?;
        for &package in packages {
            let centre = centres.contains(&package).then_some(CENTRE);
            let looks: Vec<_> =
                centre.into_iter().chain(goes_on(package).then_some(GOES_ON)).collect();
            let looks =
                if looks.is_empty() { String::new() } else { format!(" [{}]", looks.join(", ")) };
            writeln!(output, "  \"{}\"{looks};", plan.name(package))?;
        }
        let steps = rows.steps();
        let cycle_of: BTreeMap<u32, u32> =
            steps.cycles().flat_map(|cycle| cycle.iter().map(|&it| (it, cycle[0]))).collect();
        for (package, row) in (0..).zip(rows.iter()) {
            for &dependency in row {
                let cycle = cycle_of.get(&package);
                let is_on_one =
                    package == dependency || cycle.is_some() && cycle == cycle_of.get(&dependency);
                let look = if is_on_one { format!(" [{ON_CYCLE}]") } else { String::new() };
                let [package, dependency] =
                    [package, dependency].map(|it| plan.name(packages[it as usize]));
                writeln!(output, "  \"{package}\" -> \"{dependency}\"{look};")?;
            }
        }
        writeln!(output, "}}")
    }
}

/// The transitive reduction: the fewest arrows that keep every path. One arrow between two cycles is left,
/// and all arrows within a cycle stay. Takes up to quadratic memory and cubic time.
pub(super) fn reduced(rows: &Rows) -> Rows {
    let mut steps = rows.steps();
    let mut order: Vec<Vec<u32>> = Vec::new();
    while let Some(step) = steps.take_step() {
        order.push(step.to_vec());
    }
    // petgraph wants packages before their dependencies.
    order.reverse();
    let mut place = vec![0_u32; rows.len()];
    for (number, step) in (0..).zip(&order) {
        for &row in step {
            place[row as usize] = number;
        }
    }
    // Between two steps, the first arrow from one to the other stands for all.
    let mut links: Vec<BTreeMap<u32, (u32, u32)>> = vec![BTreeMap::new(); order.len()];
    for (row, numbers) in (0..).zip(rows.iter()) {
        let from = place[row as usize];
        for &number in numbers.iter().filter(|&&number| place[number as usize] != from) {
            links[from as usize].entry(place[number as usize]).or_insert((row, number));
        }
    }
    let mut graph = UnweightedList::<u32>::with_capacity(order.len());
    for _step in &order {
        graph.add_node();
    }
    for (from, links) in (0..).zip(&links) {
        for &to in links.keys() {
            graph.add_edge(from, to, ());
        }
    }
    let (reduction, _closure) = dag_transitive_reduction_closure(&graph);
    let mut kept: Vec<Vec<u32>> = vec![Vec::new(); rows.len()];
    for (from, links) in (0..).zip(&links) {
        for (row, number) in (&reduction).neighbors(from).filter_map(|to| links.get(&to)) {
            kept[*row as usize].push(*number);
        }
    }
    let mut reduced = Rows::with_capacity(rows.len(), rows.number_count());
    for (row, numbers) in (0_u32..).zip(rows.iter()) {
        let own = place[row as usize];
        let within = numbers.iter().copied().filter(|&number| place[number as usize] == own);
        reduced.push(within.chain(kept[row as usize].iter().copied()));
    }
    reduced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reduction(rows: &[&[u32]]) -> Vec<Vec<u32>> {
        let mut made = Rows::with_capacity(0, 0);
        for row in rows {
            made.push(row.iter().copied());
        }
        reduced(&made).iter().map(<[u32]>::to_vec).collect()
    }

    #[test]
    fn what_a_longer_way_reaches_is_left_out() {
        assert_eq!(
            reduction(&[&[1, 2, 3], &[2, 3], &[3], &[]]),
            [vec![1], vec![2], vec![3], vec![]]
        );
        assert_eq!(
            reduction(&[&[], &[0], &[0], &[0, 1, 2]]),
            [vec![], vec![0], vec![0], vec![1, 2]]
        );
    }

    #[test]
    fn cycles_stay_and_one_arrow_leads_to_each() {
        let rows: [&[u32]; 5] = [&[1, 2, 3], &[2], &[1, 3], &[3], &[0, 1, 3]];
        assert_eq!(reduction(&rows), [vec![1], vec![2], vec![1, 3], vec![3], vec![0]]);
    }
}
