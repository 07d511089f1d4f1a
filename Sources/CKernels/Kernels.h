// One version of all kernels: the including file has chosen VECTOR_FLOATS, KERNEL_TABLE, KERNEL_ISA and the instruction set.
#include "Vectors.h"
#include "FlatKernels.h"
#include "PixelKernels.h"
#include "BatchNormKernels.h"
#include "ImageKernels.h"
#include "SmoothActivations.h"
#include "SmoothKernels.h"
#include "ChannelKernels.h"
#include "AttentionPacking.h"
#include "LayerNormKernels.h"
#include "AttentionProducts.h"
#include "AttentionKernels.h"
#include "PixelShuffleKernels.h"
#include "Halves.h"
#include "NormalizedInput.h"
#include "PointwiseKernels.h"
#include "DepthwiseKernels.h"
#include "PointwiseGradientKernels.h"
#include "WinogradKernels.h"

#define KERNEL_ENTRY(name) .name = name,
const halcyon_kernel_table KERNEL_TABLE = {.isa = KERNEL_ISA, HALCYON_KERNELS(KERNEL_ENTRY)};
