import Foundation

/// A PNG of 1 kB whose header promises 40,000 x 40,000 pixels.
private let widePicture: [UInt8] = {
    var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]
    bytes += [0, 0, 0x9C, 0x40, 0, 0, 0x9C, 0x40, 8, 0, 0, 0, 0] + [0x74, 0x67, 0x51, 0xD9]
    bytes += [0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82]
    return bytes + [UInt8](repeating: 0, count: 1024 - bytes.count)
}()

private let denoise = "denoise {model} {here}/x.png {here}/o.png"
private let useModel = "denoise {here}/x.h5 {photo} {here}/o.png"
private let useWeights = "denoise {here}/x.safetensors --architecture {net} {photo} {here}/o.png"

/// Pictures, models, weights, and paths that lead to something else.
let malformedFiles: [MalformedInput] = [
    MalformedInput("a truncated PNG", denoise, says: ["x.png: cannot be decoded as PNG", "damaged or cut short"]) { bench in
        let whole = try bench.bytes(bench.root + "/photo.png")
        try bench.write("x.png", whole.prefix(whole.count / 2))
    },
    MalformedInput("a flipped byte in a PNG", denoise, says: ["x.png: cannot be decoded as PNG", "damaged or cut short"]) { bench in
        var bytes = try bench.bytes(bench.root + "/photo.png")
        bytes[bytes.count / 2] ^= 0x10
        try bench.write("x.png", bytes)
    },
    MalformedInput("a text named .png", denoise, says: ["x.png: is no picture", "can be read"]) {
        try $0.write("x.png", "hello\n")
    },
    MalformedInput("an empty picture", denoise, says: ["x.png: the file is empty"]) { try $0.write("x.png", "") },
    MalformedInput("a header of 40,000 pixels", denoise, says: ["x.png: cannot be decoded as PNG", "134 million pixels"]) {
        try $0.write("x.png", widePicture)
    },
    MalformedInput("a truncated JPEG", denoise, says: ["x.png: cannot be decoded as JPEG"]) {
        try $0.write("x.png", [0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 0x4A, 0x46])
    },
    MalformedInput("no picture", denoise, says: ["x.png: no such file", "a picture is needed here"]),
    MalformedInput("an empty folder", "evaluate {model} --data {here} --sigma 25", says: ["{here}: has no PNG, JPEG, TIFF or MATLAB file", "name the folder"]),
    MalformedInput("a file as a folder", "evaluate {model} --data {photo} --sigma 25", says: ["photo.png: is a file, not a folder"]),
    MalformedInput("a pipe among pictures", "evaluate {model} --data {here} --sigma 25", says: ["{here}: has no PNG, JPEG, TIFF or MATLAB file"]) {
        mkfifo($0.here + "/pipe.png", 0o600)
    },
    MalformedInput("a truncated model", useModel, says: ["x.h5: expected a checksum", "copy it again"]) { bench in
        let whole = try bench.bytes(bench.model)
        try bench.write("x.h5", whole.prefix(whole.count - 100))
    },
    MalformedInput("a flipped bit in a model", useModel, says: ["x.h5: expected the checksum", "copy it again"]) { bench in
        var bytes = try bench.bytes(bench.model)
        bytes[bytes.count / 2] ^= 1
        try bench.write("x.h5", bytes)
    },
    MalformedInput("a foreign HDF5", useModel, says: ["x.h5: expected a checksum"]) {
        try $0.write("x.h5", [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A] + [UInt8](repeating: 0, count: 200))
    },
    MalformedInput("a folder as a model", "denoise {here} {photo} {here}/o.png", says: ["{here}: is a folder, not a file"]),
    MalformedInput("a device as a model", "denoise /dev/zero {photo} {here}/o.png", says: ["/dev/zero: is a device or a pipe"]),
    MalformedInput("a pipe as a document", "cost {here}/pipe.yaml", says: ["pipe.yaml: is a device or a pipe, not a file"]) {
        mkfifo($0.here + "/pipe.yaml", 0o600)
    },
    MalformedInput("a loop of links", "cost {here}/loop.yaml", says: ["loop.yaml: cannot be read", "check the path"]) {
        try FileManager.default.createSymbolicLink(atPath: $0.here + "/loop.yaml", withDestinationPath: "loop.yaml")
    },
    MalformedInput("a document that is no text", "cost {model}", says: ["model.h5: is not UTF-8 text"]),
    MalformedInput(
        "weights of another network", "denoise {model} --architecture {net} {photo} {here}/o.png",
        says: ["model.h5: the tensors are not those of this architecture", "give the architecture"]),
    MalformedInput("weights without a header", useWeights, says: ["x.safetensors: has 3 bytes"]) { try $0.write("x.safetensors", "abc") },
    MalformedInput("a header beyond the file", useWeights, says: ["x.safetensors: its header should have"]) {
        try $0.write("x.safetensors", [UInt8](repeating: 0xFF, count: 16))
    },
    MalformedInput("weights of an impossible shape", useWeights, says: ["x.safetensors: the tensor \"a\"", "impossible shape"]) {
        let header = Array(#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#.utf8)
        try $0.write("x.safetensors", [UInt8(header.count), 0, 0, 0, 0, 0, 0, 0] + header)
    },
    MalformedInput("weights without their network", "denoise {here}/x.safetensors {photo} {here}/o.png", says: ["--architecture FILE"]) {
        try $0.write("x.safetensors", "abc")
    },
    MalformedInput(
        "an output below a file", "denoise {model} {photo} {photo}/o.png",
        says: ["photo.png/o.png: cannot be written: Not a directory", "check the folder"]),
]
