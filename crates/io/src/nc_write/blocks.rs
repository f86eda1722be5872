//! Variables written block by block, without being filled first.

use super::{NewFile, extents, variable_mut};
use crate::IoError;
use netcdf::types::NcTypeDescriptor;
use std::ops::Range;

impl NewFile {
    /// Takes the filling off a variable that has been added and not been put to: each block put would otherwise come
    /// after as many bytes of fill values. Whoever calls it puts every value, or drops the file.
    #[allow(unsafe_code, reason = "the library offers it as unsafe only")]
    pub(crate) fn leave_unfilled(&mut self, name: &str) -> Result<(), IoError> {
        let atomic = &self.atomic;
        let mut variable = variable_mut(&mut self.inner, atomic, name)?;
        // SAFETY: the call changes a property of the variable. Its danger is that values which nobody put are read;
        // they lie in a file that is not read before it has its name.
        unsafe { variable.set_nofill() }.map_err(|e| atomic.error(&format!("variable `{name}`: {e}")))
    }

    /// Writes the values at `part` (one range for each dimension) of a variable of their type.
    pub(crate) fn put_slice<T: NcTypeDescriptor>(
        &mut self,
        name: &str,
        part: &[Range<usize>],
        values: &[T],
    ) -> Result<(), IoError> {
        let atomic = &self.atomic;
        let mut variable = variable_mut(&mut self.inner, atomic, name)?;
        variable.put_values(values, extents(part)).map_err(|e| atomic.error(&format!("variable `{name}`: {e}")))
    }
}
