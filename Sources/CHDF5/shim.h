// HDF5's identifiers are macros over run-time variables, which Swift cannot import: one getter each.
#ifndef HALCYON_CHDF5_H
#define HALCYON_CHDF5_H
#include <hdf5.h>

static inline hid_t halcyon_h5_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t halcyon_h5_native_double(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t halcyon_h5_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t halcyon_h5_native_uint8(void) { return H5T_NATIVE_UINT8; }
static inline hid_t halcyon_h5_c_s1(void) { return H5T_C_S1; }
static inline hid_t halcyon_h5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t halcyon_h5_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t halcyon_h5_default(void) { return H5P_DEFAULT; }
static inline unsigned halcyon_h5_truncate(void) { return H5F_ACC_TRUNC; }
static inline unsigned halcyon_h5_read_only(void) { return H5F_ACC_RDONLY; }
static inline void halcyon_h5_silence(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

#endif
