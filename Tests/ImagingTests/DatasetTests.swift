import Documents
import Foundation
import Imaging
import RandomStreams
import Testing

/// Laws that every kind of dataset keeps.
@Suite struct DatasetTests {
    /// A valid description of each kind: a new kind adds its line.
    static let samples: [String: String] = [
        "folder": "{kind: folder, path: \"${PICTURES}\"",
        "dead-leaves": "{kind: dead-leaves, images: 3, size: 32",
        "pairs": "{kind: pairs, path: \"${PICTURES}/pairs\", noisy: \"*_real.png\", clean: \"clean/*.png\"",
    ]

    /// What validation pictures need beside; pairs have their noise.
    static func condition(_ word: String) -> String { word == "pairs" ? "" : ", sigmas: [25]" }

    static func describe(_ text: String, _ role: DatasetDescription.Role, _ folder: String = ".", _ environment: [String: String] = [:]) throws
        -> DatasetDescription
    {
        try DatasetDescription(
            parsing: try Document.parse(text, file: "experiment.yaml"), as: role,
            in: DatasetPlace(baseFolder: folder, environment: environment))
    }

    static func fault(_ text: String, _ role: DatasetDescription.Role, _ folder: String = ".", _ environment: [String: String] = [:]) -> InputError? {
        #expect(throws: InputError.self) { try describe(text, role, folder, environment).open(channels: 1, seed: 1) }
    }

    static func withPictures(_ body: (String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            for (i, name) in ["b.png", "a.PNG", "c-without-ending"].enumerated() {
                try ImageFileTests.random(32 + i, 40, i == 1 ? 3 : 1, levels: 255).save(folder + "/" + name)
            }
            try FileManager.default.createDirectory(atPath: folder + "/pairs/clean", withIntermediateDirectories: true)
            for name in ["x_1", "x_2", "y_1"] {
                let clean = DeadLeaves(size: 32, channels: 3).image(RandomStream(seed: 1).split(name))
                try clean.save(folder + "/pairs/clean/\(name).png")
                try EvaluationNoise.philox(seed: 1).noisy(clean, sigma: 20, index: 0).save(folder + "/pairs/\(name)_real.png")
            }
            try Data("Anyone may use these.".utf8).write(to: URL(fileURLWithPath: folder + "/License.txt"))
            try body(folder)
        }
    }

    @Test(arguments: datasetKinds.map { $0.word })
    func openingTwiceGivesTheSamePictures(word: String) throws {
        let sample = try #require(Self.samples[word], "a new kind needs a sample here")
        try Self.withPictures { folder in
            for channels in [1, 3] {
                for (role, rest) in [(DatasetDescription.Role.training, ", crop: 16}"), (.validation, Self.condition(word) + ", crop: 24}")] {
                    let description = try Self.describe(sample + rest, role, ".", ["PICTURES": folder])
                    let first = try description.open(channels: channels, seed: 3)
                    let second = try description.open(channels: channels, seed: 3)
                    #expect(first.count == 3 && second.count == 3)
                    for i in 0..<first.count {
                        let image = first.image(i)
                        #expect(image == second.image(i) && first.name(i) == second.name(i))
                        #expect(first.isPaired == description.kind.isPaired && first.noisy(i)?.hasShape(of: image) ?? true)
                        #expect(image.channels == channels && image.pixels.allSatisfy { 0 <= $0 && $0 <= 1 })
                        if role == .validation { #expect(image.height == 24 && image.width == 24) }
                    }
                }
            }
        }
    }

    @Test(arguments: datasetKinds.map { $0.word })
    func unknownKeysAndCropsAreRefusedWhereTheyStand(word: String) throws {
        let sample = try #require(Self.samples[word])
        try Self.withPictures { folder in
            for wrong in [", cropp: 16}", ", crop: 0}", ", crop: 5000}", ", sigmas: [25]}"] {
                let error = Self.fault(sample + wrong, .training, ".", ["PICTURES": folder])
                #expect(error?.location?.file == "experiment.yaml" && error?.location?.line == 1)
            }
            for wrong in [word == "pairs" ? ", noise: {kind: jpeg, quality: 3}}" : "}", ", sigmas: []}", ", sigmas: [-1]}", ", sigmas: [300]}", ", sigmas: 25}"] {
                #expect(Self.fault(sample + wrong, .validation, ".", ["PICTURES": folder])?.location != nil)
            }
        }
    }

    @Test func pairsAreSplitByName() throws {
        try Self.withPictures { folder in
            func names(_ rest: String) throws -> [String] {
                let set = try Self.describe("{kind: pairs, path: \(folder)/pairs, noisy: \"*_real.png\", clean: \"clean/*.png\"\(rest), crop: 8}", .training)
                    .open(channels: 1, seed: 1)
                for i in 0..<set.count {
                    let noisy = try #require(set.noisy(i))
                    #expect(abs(peakSignalToNoise(noisy, set.image(i)) - 24) < 3, "partners: \(set.name(i))")
                }
                return (0..<set.count).map(set.name)
            }
            #expect(try names("") == ["x_1", "x_2", "y_1"])
            #expect(try names(", only: [\"x_*\"]") == ["x_1", "x_2"])
            #expect(try names(", except: [\"*_1\"]") == ["x_2"])
            #expect(try names(", only: [\"x_*\", \"y*\"], except: [\"x_2\"]") == ["x_1", "y_1"])
            #expect(throws: InputError.self) { try names(", only: [\"z*\"]") }
            try FileManager.default.removeItem(atPath: folder + "/pairs/clean/x_2.png")
            let alone = try #require(throws: InputError.self) { try names("") }
            #expect(alone.message.contains("x_2_real.png has no partner") && alone.location?.line == 1)
            try DeadLeaves(size: 31, channels: 3).image(RandomStream(seed: 1)).save(folder + "/pairs/clean/x_2.png")
            let small = try #require(throws: InputError.self) { try names("") }
            #expect(small.message.contains("31x31"))
        }
    }

    @Test func starsStandForAnyText() {
        for (text, pattern, matches) in [
            ("a_b_c", "a*c", true), ("a_b_c", "*b*", true), ("a_b_c", "a*d", false), ("ab", "ab", true), ("abc", "ab", false),
            ("aba", "ab*ba", false), ("abba", "ab*ba", true), ("a", "*", true), ("xyz", "x*y*z", true), ("xzy", "x*y*z", false),
        ] { #expect(text.matches(stars: pattern) == matches, "\(text) \(pattern)") }
    }

    @Test func validationHasItsConditions() throws {
        func labels(_ rest: String) throws -> [String] {
            try Self.describe("{kind: dead-leaves, images: 1, size: 16\(rest)}", .validation).conditions.map(\.label)
        }
        #expect(try labels(", sigmas: [15, 25.5]") == ["15", "25.5"])
        #expect(try labels(", noise: {kind: poisson, peak: 30}") == ["poisson"])
        for wrong in [", sigmas: [15, 15]", ", sigmas: [15], noise: {kind: poisson, peak: 30}", ", noise: {kind: poison}"] {
            #expect(throws: InputError.self, "\(wrong)") { try labels(wrong) }
        }
    }

    @Test func aFolderIsSortedAndPassesOverOtherFiles() throws {
        try Self.withPictures { folder in
            let set = try Self.describe("{kind: folder, path: \(folder), crop: 8}", .training).open(channels: 1, seed: 1)
            #expect((0..<set.count).map { set.name($0) } == ["a.PNG", "b.png", "c-without-ending"])
            #expect(set.image(1) == ImageFileTests.random(32, 40, 1, levels: 255))
            let two = try Self.describe("{kind: folder, path: \(folder), images: 2, sigmas: [15, 25]}", .validation)
            #expect(try two.open(channels: 3, seed: 1).count == 2 && two.conditions.map(\.label) == ["15", "25"] && two.crop == nil)
        }
    }

    @Test func relativePathsStartAtTheExperiment() throws {
        try Self.withPictures { folder in
            let url = URL(fileURLWithPath: folder)
            let set = try Self.describe(
                "{kind: folder, path: ../\(url.lastPathComponent), crop: 8}", .training, folder + "/").open(channels: 1, seed: 1)
            #expect(set.count == 3)
        }
    }

    @Test func aFolderFaultSaysWhatToDo() throws {
        let unset = Self.fault("{kind: folder, path: \"${HALCYON_DATA}/Set12\"}", .training)
        #expect(unset?.description.contains("HALCYON_DATA is not set") == true && unset?.hint?.contains("export HALCYON_DATA") == true)
        let missing = Self.fault("{kind: folder,\n path: \"${D}/none\"}", .training, ".", ["D": "/nowhere"])
        #expect(missing?.location?.line == 2 && missing?.message.contains("/nowhere/none") == true && missing?.hint != nil)
        try withTemporaryFolder { folder in
            #expect(Self.fault("{kind: folder, path: \(folder)}", .training)?.message.contains("no PNG or JPEG") == true)
            try SampleFiles.colourJPEG.prefix(700).write(to: URL(fileURLWithPath: folder + "/x.jpg"))
            let damaged = Self.fault("{kind: folder, path: \(folder)}", .training)
            #expect(damaged?.location != nil && damaged?.message.contains("x.jpg") == true)
            try SampleFiles.colourJPEG.write(to: URL(fileURLWithPath: folder + "/x.jpg"))
            let small = Self.fault("{kind: folder, path: \(folder), crop: 25}", .training)
            #expect(small?.location != nil && small?.message.contains("x.jpg has 24x24") == true)
        }
    }

    @Test func aMisspeltKindHasAHint() {
        #expect(Self.fault("{kind: dead-leafs}", .training)?.hint?.contains("dead-leaves") == true)
    }

    @Test func trainingAndValidationShareNoGeneratedPicture() throws {
        for seed in ["", ", seed: 9"] {
            let training = try Self.describe("{kind: dead-leaves, images: 4, size: 16, crop: 16\(seed)}", .training).open(channels: 1, seed: 1)
            let validation = try Self.describe("{kind: dead-leaves, images: 4, size: 16, sigmas: [25]\(seed)}", .validation).open(channels: 1, seed: 1)
            for i in 0..<4 { for j in 0..<4 { #expect(training.image(i) != validation.image(j)) } }
        }
    }

    @Test func aSeedOfItsOwnReplacesTheCallers() throws {
        let own = try Self.describe("{kind: dead-leaves, images: 1, size: 16, crop: 16, seed: 9}", .training)
        let free = try Self.describe("{kind: dead-leaves, images: 1, size: 16, crop: 16}", .training)
        #expect(try free.open(channels: 1, seed: 1).image(0) != free.open(channels: 1, seed: 2).image(0))
        #expect(try own.open(channels: 1, seed: 1).image(0) == own.open(channels: 1, seed: 2).image(0))
    }
}
