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
    ]

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
            try Data("Anyone may use these.".utf8).write(to: URL(fileURLWithPath: folder + "/License.txt"))
            try body(folder)
        }
    }

    @Test(arguments: datasetKinds.map { $0.word })
    func openingTwiceGivesTheSamePictures(word: String) throws {
        let sample = try #require(Self.samples[word], "a new kind needs a sample here")
        try Self.withPictures { folder in
            for channels in [1, 3] {
                for (role, rest) in [(DatasetDescription.Role.training, ", crop: 16}"), (.validation, ", sigmas: [25], crop: 24}")] {
                    let description = try Self.describe(sample + rest, role, ".", ["PICTURES": folder])
                    let first = try description.open(channels: channels, seed: 3)
                    let second = try description.open(channels: channels, seed: 3)
                    #expect(first.count == 3 && second.count == 3)
                    for i in 0..<first.count {
                        let image = first.image(i)
                        #expect(image == second.image(i) && first.name(i) == second.name(i))
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
            for wrong in ["}", ", sigmas: []}", ", sigmas: [-1]}", ", sigmas: [300]}", ", sigmas: 25}"] {
                #expect(Self.fault(sample + wrong, .validation, ".", ["PICTURES": folder])?.location != nil)
            }
        }
    }

    @Test func aFolderIsSortedAndPassesOverOtherFiles() throws {
        try Self.withPictures { folder in
            let set = try Self.describe("{kind: folder, path: \(folder), crop: 8}", .training).open(channels: 1, seed: 1)
            #expect((0..<set.count).map { set.name($0) } == ["a.PNG", "b.png", "c-without-ending"])
            #expect(set.image(1) == ImageFileTests.random(32, 40, 1, levels: 255))
            let two = try Self.describe("{kind: folder, path: \(folder), images: 2, sigmas: [15, 25]}", .validation)
            #expect(try two.open(channels: 3, seed: 1).count == 2 && two.sigmas == [15, 25] && two.crop == nil)
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
