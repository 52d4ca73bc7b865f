//! Values as bytes, one after the other: for what is stored so often that its length counts.

use uuid::Uuid;

use crate::kernel::id::Id;

/// What is stored as bytes.
pub trait Pack: Sized {
    /// Appends it.
    fn pack(&self, bytes: &mut Vec<u8>);

    /// Takes it from the front; `None` when it does not stand there.
    fn unpack(bytes: &mut &[u8]) -> Option<Self>;
}

/// How many there are of something.
impl Pack for usize {
    fn pack(&self, bytes: &mut Vec<u8>) {
        (*self as u64).pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        u64::unpack(bytes)?.try_into().ok()
    }
}

/// Seven bits a byte, the lowest first; the eighth shows that more follow.
impl Pack for u64 {
    fn pack(&self, bytes: &mut Vec<u8>) {
        let mut rest = *self;
        loop {
            let [low, ..] = rest.to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                return bytes.push(low);
            }
            bytes.push(low | 0x80);
        }
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let mut value = 0;
        for shift in (0..Self::BITS).step_by(7) {
            let byte = *bytes.split_off_first()?;
            let bits = Self::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

/// Small ones of either sign are short: 0, −1, 1, −2, … are 0, 1, 2, 3, …
impl Pack for i64 {
    fn pack(&self, bytes: &mut Vec<u8>) {
        ((self << 1) ^ (self >> 63)).cast_unsigned().pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let value = u64::unpack(bytes)?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }
}

impl Pack for bool {
    fn pack(&self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(*self));
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        match bytes.split_off_first()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl<T: Pack> Pack for Option<T> {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.is_some().pack(bytes);
        if let Some(value) = self {
            value.pack(bytes);
        }
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        if bool::unpack(bytes)? { T::unpack(bytes).map(Some) } else { Some(None) }
    }
}

/// How many bytes follow, and then these.
impl Pack for String {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.len().pack(bytes);
        bytes.extend_from_slice(self.as_bytes());
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let len = usize::unpack(bytes)?;
        let (text, rest) = bytes.split_at_checked(len)?;
        *bytes = rest;
        Self::from_utf8(text.to_vec()).ok()
    }
}

/// How many there are, and then each.
impl<T: Pack> Pack for Vec<T> {
    fn pack(&self, bytes: &mut Vec<u8>) {
        pack_all(self.iter(), bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        // Missing bytes end the list, whatever length it announces.
        (0..usize::unpack(bytes)?).map(|_| T::unpack(bytes)).collect()
    }
}

/// As a list of them.
pub(crate) fn pack_all<'a, T: Pack + 'a>(values: impl ExactSizeIterator<Item = &'a T>, bytes: &mut Vec<u8>) {
    values.len().pack(bytes);
    values.for_each(|value| value.pack(bytes));
}

/// The sixteen bytes of an id.
pub fn pack_id(id: &impl Id, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(id.uuid().as_bytes());
}

/// An id of sixteen bytes.
pub fn unpack_id<T: Id>(bytes: &mut &[u8]) -> Option<T> {
    let (id, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(T::from_uuid(Uuid::from_bytes(*id)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Packed and unpacked again; nothing is left over.
    fn back<T: Pack>(value: &T) -> Option<T> {
        let mut bytes = Vec::new();
        value.pack(&mut bytes);
        let mut rest = bytes.as_slice();
        T::unpack(&mut rest).filter(|_| rest.is_empty())
    }

    proptest! {
        #[test]
        fn values_read_back(a: u64, shift in 0u32..64, b: i64, list: Vec<Option<i64>>, text in "\\PC{0,20}") {
            prop_assert_eq!(back(&(a >> shift)), Some(a >> shift));
            prop_assert_eq!(back(&(b >> shift)), Some(b >> shift));
            prop_assert_eq!(back(&list), Some(list));
            prop_assert_eq!(back(&text), Some(text));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = Vec::<Option<i64>>::unpack(&mut bytes.as_slice());
            let _ = String::unpack(&mut bytes.as_slice());
        }
    }

    #[test]
    fn a_number_below_128_is_one_byte_and_too_large_ones_are_rejected() {
        let mut bytes = Vec::new();
        [0_u64, 127, 128].iter().for_each(|number| number.pack(&mut bytes));
        (-64_i64).pack(&mut bytes);
        assert_eq!(bytes, [0, 127, 0x80, 1, 127]);
        assert_eq!(back(&u64::MAX), Some(u64::MAX));
        for broken in
            [&[0xff; 10][..], &[0x80; 11], &[0x80], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]]
        {
            assert_eq!(u64::unpack(&mut &*broken), None);
        }
    }
}
