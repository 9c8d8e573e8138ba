//! Data sets: vectors, queries and the rows of each query's nearest. Real ones from .npy files, made-up ones of any size.

use super::graph;
use rhumb::index::Metric;
use rhumb::tools::npy::{Matrix, NpyReader};
use std::path::{Path, PathBuf};

/// Vectors to index and to search for.
pub struct DataSet {
    pub name: String,
    pub metric: Metric,
    pub base: Matrix,
    pub queries: Matrix,
    /// For each query the rows of its nearest, nearest first, [`graph::K`] or more.
    pub truth: Vec<Vec<u32>>,
}

impl DataSet {
    /// The 63,431 packages from the directory that RHUMB_DATA names or ../shared/data; where they are not, or where a brief run
    /// is wanted, the bundled 3,000.
    pub fn debian() -> DataSet {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let given = std::env::var_os("RHUMB_DATA").map(PathBuf::from);
        let large = given.unwrap_or_else(|| package.join("../shared/data"));
        let large = large.join("debian-minilm-384");
        if super::is_brief() || !large.with_extension("f16.npy").exists() {
            return DataSet::named(&package.join("data/debian-3000"));
        }
        DataSet::named(&large)
    }

    /// `stem`.f16.npy, `stem`.queries.f16.npy and `stem`.gt.npy, compared by cosine.
    fn named(stem: &Path) -> DataSet {
        let file = |ending: &str| stem.with_extension(ending);
        DataSet::read(
            &file("f16.npy"),
            &file("queries.f16.npy"),
            Some(&file("gt.npy")),
            Metric::Cosine,
        )
    }

    /// From .npy files; without one of true neighbours these are computed.
    pub fn read(base: &Path, queries: &Path, truth: Option<&Path>, metric: Metric) -> DataSet {
        let read =
            |path: &Path| Matrix::read(path, usize::MAX).unwrap_or_else(|error| panic!("{error}"));
        let name = base.file_name().unwrap_or_default().to_string_lossy();
        let name = name.split('.').next().unwrap_or_default().to_string();
        let (base, queries) = (read(base), read(queries));
        let truth = match truth {
            Some(path) => read_rows(path),
            None => graph::nearest(&base, &queries, metric),
        };
        DataSet {
            name,
            metric,
            base,
            queries,
            truth,
        }
    }

    /// Made up: `rows` vectors of `dim` components in clusters of clusters of various size and spread, compared by L2. They
    /// vary in 24 directions of their space and a little in all. The same ones each time; more rows continue fewer.
    pub fn clustered(rows: usize, queries: usize, dim: usize) -> DataSet {
        let model = Clusters::new(dim);
        let (base, queries) = (model.draw(1, rows), model.draw(2, queries));
        let truth = graph::nearest(&base, &queries, Metric::L2);
        DataSet {
            name: format!("clustered {rows} x {dim}"),
            metric: Metric::L2,
            base,
            queries,
            truth,
        }
    }
}

fn read_rows(path: &Path) -> Vec<Vec<u32>> {
    let mut reader = NpyReader::open(path).unwrap_or_else(|error| panic!("{error}"));
    let mut row = Vec::new();
    (0..reader.rows())
        .map(|_| {
            reader
                .read_indices(&mut row)
                .unwrap_or_else(|error| panic!("{error}"));
            row.iter().map(|&row| row as u32).collect()
        })
        .collect()
}

/// Directions in which made-up vectors vary.
const LATENT: usize = 24;
/// Clusters, and clusters in each.
const CLUSTERS: usize = 100;

/// The model of made-up vectors, that of scripts/bench/sets.py.
struct Clusters {
    dim: usize,
    centres: Vec<[f32; LATENT]>,
    spreads: Vec<f32>,
    /// LATENT rows of `dim`.
    directions: Vec<f32>,
}

impl Clusters {
    fn new(dim: usize) -> Clusters {
        let mut dice = Dice::new(0);
        let coarse: Vec<[f32; LATENT]> = (0..CLUSTERS).map(|_| dice.normals()).collect();
        let fine = |at: usize, dice: &mut Dice| {
            let offset: [f32; LATENT] = dice.normals();
            std::array::from_fn(|i| coarse[at / CLUSTERS][i] + 0.6 * offset[i])
        };
        let count = CLUSTERS * CLUSTERS;
        let centres = (0..count).map(|at| fine(at, &mut dice)).collect();
        let spreads = (0..count)
            .map(|_| 0.5 * (0.4 * dice.normal()).exp())
            .collect();
        let directions = (0..LATENT * dim)
            .map(|_| dice.normal() / (LATENT as f32).sqrt())
            .collect();
        Clusters {
            dim,
            centres,
            spreads,
            directions,
        }
    }

    fn draw(&self, stream: u64, rows: usize) -> Matrix {
        let mut dice = Dice::new(stream);
        let mut numbers = Vec::with_capacity(rows * self.dim);
        for _ in 0..rows {
            // The cube of an even number: a few clusters hold many, most hold few.
            let cluster = (dice.even().powi(3) * self.centres.len() as f32) as usize;
            let inside: [f32; LATENT] = dice.normals();
            let start = numbers.len();
            numbers.extend((0..self.dim).map(|_| 0.15 * dice.normal()));
            for (i, inside) in inside.iter().enumerate() {
                let along = self.centres[cluster][i] + self.spreads[cluster] * inside;
                let direction = &self.directions[i * self.dim..][..self.dim];
                let row = numbers[start..].iter_mut().zip(direction);
                row.for_each(|(x, d)| *x += along * d);
            }
        }
        Matrix {
            columns: self.dim,
            numbers,
        }
    }
}

/// Seeded numbers: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0xd134_2543_de82_ef95) ^ 0x5eed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// From 0 up to, without, 1.
    fn even(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Normally distributed (Box and Muller, 1958).
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - self.even()).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.even()).cos()
    }

    fn normals<const N: usize>(&mut self) -> [f32; N] {
        std::array::from_fn(|_| self.normal())
    }

    /// 0..count in an order of chance.
    pub fn permutation(&mut self, count: usize) -> Vec<u32> {
        let mut all: Vec<u32> = (0..count as u32).collect();
        (1..count)
            .rev()
            .for_each(|last| all.swap(last, self.below(last + 1)));
        all
    }
}
