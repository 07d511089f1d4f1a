// HDF5's identifiers are macros over run-time variables, which Swift cannot import: one getter each.
#ifndef HALCYON_CHDF5_H
#define HALCYON_CHDF5_H
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

static inline hid_t halcyon_h5_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t halcyon_h5_native_double(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t halcyon_h5_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t halcyon_h5_native_uint8(void) { return H5T_NATIVE_UINT8; }
static inline hid_t halcyon_h5_native_uint16(void) { return H5T_NATIVE_UINT16; }
static inline hid_t halcyon_h5_c_s1(void) { return H5T_C_S1; }
static inline hid_t halcyon_h5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t halcyon_h5_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t halcyon_h5_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t halcyon_h5_default(void) { return H5P_DEFAULT; }
static inline unsigned halcyon_h5_truncate(void) { return H5F_ACC_TRUNC; }
static inline unsigned halcyon_h5_read_only(void) { return H5F_ACC_RDONLY; }
static inline void halcyon_h5_silence(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

static inline hid_t halcyon_h5_all(void) { return H5S_ALL; }

/// A file access list for files in memory (the core driver without a backing file). With `bytes`, opening reads these,
/// which HDF5 copies. Negative on failure.
static inline hid_t halcyon_h5_memory_access(const void *bytes, size_t count) {
    hid_t list = H5Pcreate(H5P_FILE_ACCESS);
    if (list < 0) return list;
    if (H5Pset_fapl_core(list, 1 << 20, 0) < 0) return -1;
    if (bytes && H5Pset_file_image(list, (void *)bytes, count) < 0) return -1;
    return list;
}

/// A dataset creation list that records no times, so that equal contents are equal bytes.
static inline hid_t halcyon_h5_timeless_dataset(void) {
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    if (list >= 0) H5Pset_obj_track_times(list, 0);
    return list;
}

/// A fixed-length UTF-8 string type of `count` bytes.
static inline hid_t halcyon_h5_text_type(size_t count) {
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0) return type;
    H5Tset_size(type, count > 0 ? count : 1);
    H5Tset_cset(type, H5T_CSET_UTF8);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    return type;
}

#endif
