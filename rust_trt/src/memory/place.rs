//! Where memory is, in the words of the runtime.

use std::ptr::NonNull;

use ort::AsPointer;
use ort::device::Device;
use ort::session::Session;
use ort::sys::{OrtDeviceMemoryType, OrtMemoryInfo};

/// Memory of the system or of a device, by the description that the runtime keeps of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place(NonNull<OrtMemoryInfo>);

// SAFETY: the descriptions are never changed, and live as long as the process: that of
// the system belongs to the runtime, those of devices to providers that are never
// unregistered.
unsafe impl Send for Place {}
// SAFETY: as above.
unsafe impl Sync for Place {}

impl Place {
    pub(crate) fn as_ptr(self) -> *const OrtMemoryInfo {
        self.0.as_ptr()
    }

    /// The system's memory.
    ///
    /// # Errors
    /// None that is known of.
    pub(crate) fn host() -> ort::Result<Self> {
        let api = ort::api();
        let mut allocator = std::ptr::null_mut();
        let mut info = std::ptr::null();
        // SAFETY: the pointer is valid for the call; the status is used once.
        unsafe {
            let status = (api.GetAllocatorWithDefaultOptions)(&raw mut allocator);
            ort::Error::result_from_status(status)?;
        }
        // SAFETY: the runtime's own allocator, which is never released.
        unsafe {
            let status = (api.AllocatorGetInfo)(allocator, &raw mut info);
            ort::Error::result_from_status(status)?;
        }
        Self::new(info)
    }

    /// Whether this is the system's memory.
    ///
    /// # Errors
    /// As [`Place::host`].
    pub(crate) fn is_host(self) -> ort::Result<bool> {
        Ok(self.is_on_the_device_of(Self::host()?))
    }

    /// The own memory of `device`, whose provider must never be unregistered.
    ///
    /// # Errors
    /// The provider says nothing about its memory.
    pub(crate) fn of(device: &Device<'_>) -> ort::Result<Self> {
        let kind = OrtDeviceMemoryType::OrtDeviceMemoryType_DEFAULT;
        // SAFETY: a device that the environment listed.
        Self::new(unsafe { (ort::api().EpDevice_MemoryInfo)(device.ptr(), kind) })
    }

    fn new(info: *const OrtMemoryInfo) -> ort::Result<Self> {
        NonNull::new(info.cast_mut())
            .map(Self)
            .ok_or_else(|| ort::Error::new("the provider does not say where its memory is"))
    }

    /// Whether `session` wants each of the inputs for which `which` holds here, by their
    /// index: what runs elsewhere would have them copied for every step.
    ///
    /// # Errors
    /// The runtime's own.
    pub(crate) fn is_wanted(
        self,
        session: &Session,
        which: impl Fn(&str) -> bool,
    ) -> ort::Result<bool> {
        let mut wanted = vec![std::ptr::null(); session.inputs().len()];
        // SAFETY: there is room for one description for each of the inputs.
        unsafe {
            let status = (ort::api().SessionGetMemoryInfoForInputs)(
                session.ptr(),
                wanted.as_mut_ptr(),
                wanted.len(),
            );
            ort::Error::result_from_status(status)?;
        }
        for (input, info) in std::iter::zip(session.inputs(), wanted) {
            if which(input.name()) && !self.is_on_the_device_of(Self::new(info)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_on_the_device_of(self, other: Self) -> bool {
        let api = ort::api();
        let kind = |place: Self| {
            let mut kind = ort::sys::OrtMemoryInfoDeviceType::OrtMemoryInfoDeviceType_CPU;
            // SAFETY: the descriptions are valid, and this writes its answer.
            unsafe { (api.MemoryInfoGetDeviceType)(place.as_ptr(), &raw mut kind) };
            kind
        };
        kind(self) == kind(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::session;
    use ort::sys::{OrtAllocatorType, OrtMemoryInfoDeviceType};

    /// The memory of a card that is not there; never freed.
    fn card() -> Place {
        let mut info = std::ptr::null_mut();
        // SAFETY: all pointers are valid for the call; the status is used once.
        unsafe {
            let status = (ort::api().CreateMemoryInfo_V2)(
                c"card".as_ptr(),
                OrtMemoryInfoDeviceType::OrtMemoryInfoDeviceType_GPU,
                0x10DE,
                0,
                OrtDeviceMemoryType::OrtDeviceMemoryType_DEFAULT,
                0,
                OrtAllocatorType::OrtDeviceAllocator,
                &raw mut info,
            );
            ort::Error::result_from_status(status).unwrap();
        }
        Place::new(info).unwrap()
    }

    #[test]
    fn a_session_wants_its_inputs_where_it_computes() {
        let (_, session) = session();
        let wanted = |place: Place, name: &str| place.is_wanted(session, |input| input == name);
        let host = Place::host().unwrap();
        assert!(wanted(host, "x").unwrap());
        assert!(!wanted(card(), "x").unwrap());
        assert!(wanted(card(), "not an input").unwrap());
        assert!(host.is_host().unwrap() && !card().is_host().unwrap());
    }
}
