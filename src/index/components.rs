//! Packed vectors: components of one type, little-endian, one behind the other.

use half::{bf16, f16};

/// The type of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComponentType {
    /// f32.
    Float32,
    /// f64.
    Float64,
    /// IEEE half.
    Float16,
    /// The upper half of an f32.
    Bfloat16,
    /// i8.
    Int8,
    /// u8.
    Uint8,
}

impl ComponentType {
    /// Bytes of a component.
    pub fn width(self) -> usize {
        match self {
            ComponentType::Float32 => 4,
            ComponentType::Float64 => 8,
            ComponentType::Float16 | ComponentType::Bfloat16 => 2,
            ComponentType::Int8 | ComponentType::Uint8 => 1,
        }
    }

    /// Components as f32, an f64 rounded. Bytes that are left over do not count.
    pub fn unpack(self, packed: &[u8]) -> Vec<f32> {
        let mut components = Vec::with_capacity(packed.len() / self.width());
        self.unpack_into(packed, &mut components);
        components
    }

    /// As `unpack`, in place of what `components` holds.
    pub fn unpack_into(self, packed: &[u8], components: &mut Vec<f32>) {
        components.clear();
        match self {
            ComponentType::Float32 => {
                let parts = packed.as_chunks().0.iter();
                components.extend(parts.map(|part| f32::from_le_bytes(*part)));
            }
            ComponentType::Float64 => {
                let parts = packed.as_chunks().0.iter();
                components.extend(parts.map(|part| f64::from_le_bytes(*part) as f32));
            }
            ComponentType::Float16 => {
                let parts = packed.as_chunks().0.iter();
                components.extend(parts.map(|part| f16::from_le_bytes(*part).to_f32()));
            }
            ComponentType::Bfloat16 => {
                let parts = packed.as_chunks().0.iter();
                components.extend(parts.map(|part| bf16::from_le_bytes(*part).to_f32()));
            }
            ComponentType::Int8 => {
                components.extend(packed.iter().map(|&byte| f32::from(byte as i8)));
            }
            ComponentType::Uint8 => components.extend(packed.iter().map(|&byte| f32::from(byte))),
        }
    }

    /// Numbers as this type, rounded to what it holds.
    pub fn pack(self, components: impl Iterator<Item = f64>) -> Vec<u8> {
        let mut packed = Vec::new();
        for x in components {
            match self {
                ComponentType::Float32 => packed.extend((x as f32).to_le_bytes()),
                ComponentType::Float64 => packed.extend(x.to_le_bytes()),
                ComponentType::Float16 => packed.extend(f16::from_f64(x).to_le_bytes()),
                ComponentType::Bfloat16 => packed.extend(bf16::from_f64(x).to_le_bytes()),
                ComponentType::Int8 => packed.push(x as i8 as u8),
                ComponentType::Uint8 => packed.push(x as u8),
            }
        }
        packed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers_are_unpacked_as_they_were() {
        for (kind, numbers) in [
            (ComponentType::Float32, vec![0.1f32, -7.25, 1e-30]),
            (ComponentType::Float64, vec![0.1, -7.25, 1e-30]),
            (ComponentType::Float16, vec![0.5, -7.25, 1024.0]),
            (ComponentType::Bfloat16, vec![0.5, -7.25, 1e30]),
            (ComponentType::Int8, vec![-128.0, 0.0, 127.0]),
            (ComponentType::Uint8, vec![0.0, 1.0, 255.0]),
        ] {
            let packed = kind.pack(numbers.iter().map(|&x| x.into()));
            assert_eq!(packed.len(), 3 * kind.width());
            let rounded = kind.unpack(&packed);
            for (&before, &after) in numbers.iter().zip(&rounded) {
                assert!((before - after).abs() <= before.abs() / 128.0, "{kind:?}");
            }
            if kind != ComponentType::Float64 {
                assert_eq!(kind.pack(rounded.iter().map(|&x| x.into())), packed);
            }
        }
    }
}
