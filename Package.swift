// swift-tools-version: 6.2
import PackageDescription

/// Our own targets are held to the strictest setting; dependencies keep theirs.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name + "Tests", dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "Halcyon",
    products: [.executable(name: "halcyon", targets: ["halcyon"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    ],
    targets: [
        // Ground floor
        module("Documents", [yams]),
        .target(name: "CRandomStreams"),
        module("RandomStreams", ["CRandomStreams"]),
        // C
        .target(name: "CKernels", linkerSettings: [.linkedLibrary("gomp")]),
        .target(name: "COneDNN", dependencies: ["CKernels"], linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp")]),
        .target(name: "COpenBLAS"),
        .systemLibrary(name: "CHDF5", pkgConfig: "hdf5-serial", providers: [.apt(["libhdf5-dev"])]),
        .target(
            name: "CImageCodecs",
            linkerSettings: [.linkedLibrary("spng"), .linkedLibrary("turbojpeg"), .linkedLibrary("tiff"), .linkedLibrary("matio")]),
        // Numeric half
        module("Engine", ["CKernels", "COneDNN", "Documents", "RandomStreams"]),
        module("Networks", ["Engine", "Documents", "RandomStreams"]),
        module("Imaging", ["CImageCodecs", "CHDF5", "Documents", "RandomStreams"]),
        module("Training", ["Networks", "Imaging", "Engine", "CHDF5", "Documents", "RandomStreams"]),
        .target(
            name: "Deployment", dependencies: ["Networks", "Engine", "Documents", protobuf],
            exclude: ["ONNX/Messages/onnx.proto"], swiftSettings: strict),
        // Study half
        module("Trials", ["Documents"]),
        module("SearchSpaces", ["Documents", "RandomStreams"]),
        module("Search", ["Trials", "SearchSpaces", "COpenBLAS", "Documents", "RandomStreams"]),
        module("TrialStore", ["Trials", "Documents", grdb]),
        module("Execution", ["Trials", "Search", "SearchSpaces", "Documents"]),
        // Where the halves meet
        module("Evaluation", ["Training", "Networks", "Imaging", "Engine", "Trials", "COpenBLAS", "Documents", "RandomStreams"]),
        module("Reporting", ["TrialStore", "Trials", "Search", "Documents"]),
        .executableTarget(
            name: "halcyon",
            dependencies: [
                "Reporting", "Evaluation", "Execution", "TrialStore", "Search", "SearchSpaces", "Trials", "Deployment", "Training",
                "Networks", "Imaging", "Engine", "Documents", "RandomStreams", argumentParser,
            ],
            swiftSettings: strict),
        // Tests
        tests("Documents", ["Documents", "RandomStreams"]),
        tests("Engine", ["Engine", "CKernels", "Documents", "RandomStreams"]),
        tests("Networks", ["Networks", "SearchSpaces", "Engine", "Documents", "RandomStreams"]),
        tests("Imaging", ["Imaging", "CHDF5", "Documents", "RandomStreams"]),
        tests("Training", ["Training", "Evaluation", "Trials", "Networks", "Imaging", "Engine", "Documents", "RandomStreams"]),
        tests("Deployment", ["Deployment", "Training", "Networks", "SearchSpaces", "Engine", "Documents", "RandomStreams", protobuf]),
        tests("SearchSpaces", ["SearchSpaces", "Documents", "RandomStreams"]),
        tests("Search", ["Search", "SearchSpaces", "COpenBLAS", "Trials", "Documents", "RandomStreams"]),
        tests("TrialStore", ["TrialStore", "Trials", "Documents", grdb]),
        tests("Execution", ["Execution", "TrialStore", "Search", "SearchSpaces", "Trials", "Documents", "RandomStreams"]),
        tests("Reporting", ["Reporting", "TrialStore", "Search", "Trials", "Documents"]),
        tests("EndToEnd", ["Imaging", "TrialStore", "Trials", "Documents", "RandomStreams"]),
    ],
    swiftLanguageModes: [.v6]
)
