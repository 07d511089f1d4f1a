/// What `export` cannot write, and where it cannot.
let malformedExports: [MalformedInput] = [
    MalformedInput(
        "an export of nothing", "export {net}",
        says: ["expected --onnx FILE, --safetensors FILE, or both", "see `halcyon export --help`"]),
    MalformedInput(
        "an export to another format", "export {net} --onnx {here}/o.pb",
        says: ["--onnx: expected a name that ends with .onnx, found {here}/o.pb"]),
    MalformedInput(
        "weights to another format", "export {net} --safetensors {here}/o.npz",
        says: ["--safetensors: expected a name that ends with .safetensors"]),
    MalformedInput(
        "depths of a static network", "export {net} --onnx {here}/o.onnx --depths each",
        says: ["net.yaml: holds a static network, which has one depth", "leave --depths out"]),
    MalformedInput(
        "depths of a training graph", "export {net} --onnx {here}/o.onnx --training --depths routed",
        says: ["--depths: the training graph has all depths", "see `halcyon export --help`"]),
    MalformedInput(
        "no such depths", "export {net} --onnx {here}/o.onnx --depths some",
        says: ["'some' is invalid for '--depths <depths>'", "one of 'full', 'each' or 'routed'"]),
    MalformedInput(
        "a seed for a model", "export {model} --onnx {here}/o.onnx --seed 3",
        says: ["model.h5: has weights of its own", "leave --seed out"]),
    MalformedInput(
        "a batch without a size", "export {net} --onnx {here}/o.onnx --batch 2",
        says: ["--batch: expected together with --size"]),
    MalformedInput(
        "a size for weights alone", "export {net} --safetensors {here}/o.safetensors --size 8",
        says: ["--training, --depths, --size and --batch: only with --onnx FILE"]),
    MalformedInput(
        "a batch of nothing", "export {net} --onnx {here}/o.onnx --size 8 --batch 0",
        says: ["--batch: expected 1 to 65536, found 0"]),
    MalformedInput(
        "a routed batch", "export {net} --onnx {here}/o.onnx --depths routed --size 8 --batch 2",
        says: ["--depths routed: decides for one image at a time", "see `halcyon export --help`"]),
    MalformedInput(
        "an export into no folder", "export {net} --safetensors {here}/o.safetensors --onnx {here}/none/o.onnx",
        says: ["{here}/none/o.onnx: cannot be written: there is no folder {here}/none", "make the folder"]),
    MalformedInput(
        "a size too small to be padded",
        "export {here}/net.yaml --onnx {here}/o.onnx --safetensors {here}/o.safetensors --size 3x3",
        says: ["{here}/net.yaml: the network cannot take images of 3x3", "use a larger size"]
    ) { try $0.edit("net.yaml", "network:\n", "network:\n  size-multiple: 8\n") },
    MalformedInput(
        "an architecture beside an architecture", "export {net} --architecture {net} --onnx {here}/o.onnx",
        says: ["net.yaml: is an architecture itself", "leave --architecture out"]),
    MalformedInput(
        "a truncated model to export", "export {here}/x.h5 --onnx {here}/o.onnx",
        says: ["x.h5: expected a checksum", "copy it again"]
    ) { bench in
        try bench.write("x.h5", try bench.bytes(bench.model).dropLast(100))
    },
    MalformedInput(
        "no such trial to export", "export {study}#99 --onnx {here}/o.onnx", says: ["trial 99", "these have one: 0, 1"]),
]
