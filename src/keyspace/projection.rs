//! Projection of vectors to fewer dimensions by a fixed matrix of signs: row i, column j is +1 where the number of common
//! one bits of i and j is even, else -1, all scaled by 1 / sqrt(n) (a Walsh-Hadamard matrix; nothing is drawn at random, so
//! every server projects alike).

/// `vector` (n components) projected to `dim` components.
pub fn project(vector: &[f32], dim: u32) -> Vec<f32> {
    let scale = 1.0 / (vector.len() as f32).sqrt();
    let row = |i: u32| -> f32 {
        let signed = vector.iter().zip(0u32..).map(|(x, j)| {
            if (i & j).count_ones().is_multiple_of(2) {
                *x
            } else {
                -*x
            }
        });
        signed.sum::<f32>() * scale
    };
    (0..dim).map(row).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn four_to_two_as_the_command_reference_has_it() {
        assert_eq!(super::project(&[1.0, 2.0, 3.0, 4.0], 2), [5.0, -1.0]);
    }
}
