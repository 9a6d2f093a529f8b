//! The curves as a picture: a panel for each subject, both axes logarithmic.

use std::error::Error;
use std::ops::Range;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::Curves;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const COLUMNS: usize = 2;
const PANEL: (u32, u32) = (600, 360);
const HEAD: u32 = 70;
const FONT: &str = "sans-serif";

/// The colours of the rows, the same in all panels, in the order of the legend; ours are drawn thicker.
const COLOURS: [(&str, RGBColor); 10] = [
    ("aio::local", RGBColor(0x00, 0x44, 0x88)),
    ("aio", RGBColor(0x33, 0x99, 0xdd)),
    ("tokio", RGBColor(0xcc, 0x44, 0x33)),
    ("smol", RGBColor(0x22, 0x88, 0x55)),
    ("async-executor, static", RGBColor(0x88, 0xaa, 0x22)),
    ("monoio", RGBColor(0x88, 0x44, 0xaa)),
    ("futures", RGBColor(0xdd, 0x88, 0x22)),
    ("flume", RGBColor(0xdd, 0x66, 0x99)),
    ("FuturesUnordered", RGBColor(0x99, 0x66, 0x33)),
    ("futures-concurrency", RGBColor(0x66, 0x66, 0x66)),
];

/// Writes the picture to `path`; `made_on` is its second line.
pub(crate) fn draw(curves: &[Curves], path: &Path, made_on: &str) -> Result<(), Box<dyn Error>> {
    // One panel more, for the legend.
    let lines = (curves.len() + 1).div_ceil(COLUMNS);
    let size = (PANEL.0 * COLUMNS as u32, PANEL.1 * lines as u32 + HEAD);
    let root = SVGBackend::new(path, size).into_drawing_area();
    root.fill(&WHITE)?;
    let (head, body) = root.split_vertically(HEAD);
    let title = "Cost of one operation, by how many there are (CPU time, both axes logarithmic)";
    head.draw(&Text::new(title, (20, 14), (FONT, 27).into_font()))?;
    head.draw(&Text::new(made_on, (20, 46), (FONT, 17).into_font().color(&BLACK.mix(0.6))))?;
    let panels = body.split_evenly((lines, COLUMNS));
    let costs = costs(curves);
    for (curves, panel) in curves.iter().zip(&panels) {
        draw_panel(curves, costs.clone(), panel)?;
    }
    draw_legend(curves, &panels[curves.len()])?;
    root.present()?;
    Ok(())
}

/// From the power of ten below all costs to that above them: the same in all panels, so that they can be compared.
fn costs(curves: &[Curves]) -> Range<f64> {
    let all = || curves.iter().flat_map(|curves| &curves.rows).flat_map(|(_, ns)| ns.iter().copied());
    let low = all().fold(f64::INFINITY, f64::min).log10().floor();
    let high = all().fold(0.0, f64::max).log10().ceil();
    10_f64.powf(low)..10_f64.powf(high)
}

fn draw_panel(curves: &Curves, costs: Range<f64>, panel: &Area<'_>) -> Result<(), Box<dyn Error>> {
    #[expect(clippy::cast_precision_loss, reason = "sizes are small")]
    let sizes: Vec<f64> = curves.sizes.iter().map(|&size| size as f64).collect();
    let x = (sizes[0]..sizes[sizes.len() - 1]).log_scale();
    let mut chart = ChartBuilder::on(panel)
        .caption(curves.subject, (FONT, 22))
        .margin(12)
        .margin_right(28)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(x, costs.log_scale())?;
    chart
        .configure_mesh()
        .x_desc("how many")
        .y_desc("ns for each")
        .x_label_formatter(&|n| power_of_ten(*n))
        .y_label_formatter(&|ns| one_two_five(*ns))
        .label_style((FONT, 16))
        .axis_desc_style((FONT, 17))
        .bold_line_style(BLACK.mix(0.15))
        .max_light_lines(1)
        .draw()?;
    for (row, ns) in &curves.rows {
        let style = style(row);
        let points: Vec<(f64, f64)> = sizes.iter().copied().zip(ns.iter().copied()).collect();
        chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, style.color.filled())))?;
        chart.draw_series(LineSeries::new(points, style))?;
    }
    Ok(())
}

fn draw_legend(curves: &[Curves], panel: &Area<'_>) -> Result<(), Box<dyn Error>> {
    let is_there = |name| curves.iter().any(|curves| curves.rows.iter().any(|(row, _)| *row == name));
    let rows = COLOURS.iter().filter(|(name, _)| is_there(*name));
    for ((name, _), line) in rows.zip(0..) {
        let y = 50 + 28 * line;
        panel.draw(&PathElement::new(vec![(80, y), (130, y)], style(name)))?;
        panel.draw(&Circle::new((105, y), 3, style(name).color.filled()))?;
        panel.draw(&Text::new(*name, (142, y - 8), (FONT, 20).into_font()))?;
    }
    Ok(())
}

fn style(row: &str) -> ShapeStyle {
    let (_, colour) = COLOURS.iter().find(|(name, _)| *name == row).expect("each row has a colour");
    colour.stroke_width(if row.starts_with("aio") { 4 } else { 2 })
}

fn power_of_ten(n: f64) -> String {
    match n.log10().round() {
        1.0 => "10".to_owned(),
        2.0 => "100".to_owned(),
        3.0 => "1k".to_owned(),
        4.0 => "10k".to_owned(),
        5.0 => "100k".to_owned(),
        6.0 => "1M".to_owned(),
        _ => format!("{n}"),
    }
}

/// The number, if it is worth a label: on a logarithmic axis, there is no room for all of them.
fn one_two_five(n: f64) -> String {
    let first_digit = n / 10_f64.powf((n.log10() + 1e-9).floor());
    if [1.0, 2.0, 5.0].contains(&first_digit.round()) { format!("{}", n.round()) } else { String::new() }
}
