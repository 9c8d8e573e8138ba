//! How many different values there were, from 256 registers: HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007), of the
//! module's size and form. The hash is another: the module's FNV puts all texts of one letter into one register.

use xxhash_rust::xxh3::xxh3_64;

/// Bits of a hash that choose the register.
const BITS: u8 = 8;
/// Registers.
const REGISTERS: usize = 1 << BITS;
/// Bits of a hash that are left for the rank.
const RANK_BITS: u32 = 32 - BITS as u32;
/// Bytes before the registers: four that are 0, and the number of bits.
const HEADER: [u8; 5] = [0, 0, 0, 0, BITS];

/// Registers with the largest rank seen in each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HyperLogLog([u8; REGISTERS]);

impl HyperLogLog {
    pub(super) fn new() -> HyperLogLog {
        HyperLogLog([0; REGISTERS])
    }

    /// Counts a value by its bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let hash = xxh3_64(bytes) as u32;
        let register = (hash >> RANK_BITS) as usize;
        let rank = hash.trailing_zeros().min(RANK_BITS) as u8 + 1;
        self.0[register] = self.0[register].max(rank);
    }

    /// Takes in what another counted.
    pub(super) fn merge(&mut self, other: &HyperLogLog) {
        for (own, other) in self.0.iter_mut().zip(other.0) {
            *own = (*own).max(other);
        }
    }

    /// About how many different values were counted; few are counted by the registers that are still empty.
    pub(super) fn count(&self) -> u64 {
        let registers = REGISTERS as f64;
        let alpha = 0.7213 / (1.0 + 1.079 / registers);
        let sum: f64 = self.0.iter().map(|&rank| 1.0 / (1u64 << rank) as f64).sum();
        let estimate = alpha * registers * registers / sum;
        let empty = self.0.iter().filter(|&&rank| rank == 0).count();
        let two_32 = 4_294_967_296.0;
        let estimate = match () {
            () if estimate <= 2.5 * registers && empty > 0 => {
                registers * (registers / empty as f64).ln()
            }
            () if estimate > two_32 / 30.0 => -two_32 * (1.0 - estimate / two_32).ln(),
            () => estimate,
        };
        estimate as u64
    }

    /// What HLL gives and HLL_SUM takes.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [&HEADER[..], &self.0].concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<HyperLogLog> {
        let registers = bytes.get(4..)?.strip_prefix(&HEADER[4..])?;
        let registers = registers.try_into().ok()?;
        let sketch = HyperLogLog(registers);
        // Ranks that no hash has would be shifted out of the sum.
        sketch
            .0
            .iter()
            .all(|&rank| u32::from(rank) <= RANK_BITS + 1)
            .then_some(sketch)
    }
}
