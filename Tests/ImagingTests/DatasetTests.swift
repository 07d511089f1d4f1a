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
        "blocks": "{kind: blocks, path: \"${PICTURES}/blocks\", noisy: noisy.mat, clean: clean.mat",
        "pairs": "{kind: pairs, path: \"${PICTURES}/pairs\", noisy: \"*_real.png\", clean: \"clean/*.png\"",
    ]

    /// What validation pictures need beside; pairs have their noise.
    static func condition(_ word: String) -> String { arePairs(word) ? "" : ", sigmas: [25]" }

    static func arePairs(_ word: String) -> Bool { word == "pairs" || word == "blocks" }

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
            try FileManager.default.createDirectory(atPath: folder + "/blocks", withIntermediateDirectories: true)
            for (number, name) in ["clean.mat", "noisy.mat"].enumerated() {
                try ForeignFileTests.blocks(3, 1, 32, 33, number).write(to: URL(fileURLWithPath: folder + "/blocks/" + name))
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
                        let image = try first.image(i)
                        #expect(try image == second.image(i) && first.name(i) == second.name(i))
                        #expect(try first.isPaired == description.kind.isPaired && first.noisy(i)?.hasShape(of: image) ?? true)
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
            for wrong in [Self.arePairs(word) ? ", noise: {kind: jpeg, quality: 3}}" : "}", ", sigmas: []}", ", sigmas: [-1]}", ", sigmas: [300]}", ", sigmas: 25}"] {
                #expect(Self.fault(sample + wrong, .validation, ".", ["PICTURES": folder])?.location != nil)
            }
        }
    }

    /// What a cache gives is what decoding gives; it is written once, read without the files' formats, and not used for other contents.
    @Test(arguments: ["folder", "pairs"]) func aCacheGivesTheSamePictures(word: String) throws {
        let sample = try #require(Self.samples[word]) + ", crop: 8}"
        try Self.withPictures { folder in
            // 8 bits, 16 bits, and floats that are neither.
            try ImageFileTests.random(20, 21, 3, levels: 65535).save(folder + "/d.png", bits: 16)
            let cache = folder + "/cache"
            func open(_ channels: Int, cached: Bool) throws -> ImageSet {
                try Self.describe(sample, .training, ".", ["PICTURES": folder, "HALCYON_CACHE": cached ? cache : ""]).open(channels: channels, seed: 1)
            }
            func entries() -> [String] {
                ((try? FileManager.default.contentsOfDirectory(atPath: cache)) ?? []).filter { $0.hasSuffix(".h5") }.sorted()
            }
            for channels in [1, 3] {
                let plain = try open(channels, cached: false), first = try open(channels, cached: true)
                let written = try entries().map { try FileManager.default.attributesOfItem(atPath: cache + "/" + $0)[.systemFileNumber] as? Int }
                let second = try open(channels, cached: true)
                #expect(try entries().map { try FileManager.default.attributesOfItem(atPath: cache + "/" + $0)[.systemFileNumber] as? Int } == written)
                for set in [first, second] {
                    #expect(set.document == plain.document && set.isPaired == plain.isPaired)
                    for i in 0..<plain.count { #expect(try set.image(i) == plain.image(i) && set.noisy(i) == plain.noisy(i)) }
                }
            }
            let before = entries()
            #expect(before.count == (word == "pairs" ? 4 : 2) && !entries().contains { $0.contains("partial") })
            // Another content of the same name, and an entry that was cut short, are decoded anew.
            try ImageFileTests.random(32, 32, 3, levels: 3).save(folder + (word == "pairs" ? "/pairs/clean/x_1.png" : "/b.png"))
            let changed = try open(1, cached: true)
            #expect(entries().count == before.count + 1)
            for entry in entries() { truncate(cache + "/" + entry, 900) }
            let again = try open(1, cached: true), plain = try open(1, cached: false)
            for i in 0..<plain.count { #expect(try again.image(i) == plain.image(i) && changed.name(i) == plain.name(i)) }
        }
    }

    /// Files that did not change are not read: a note tells their entry, unless it was written within a tick of the last change.
    @Test func whatIsKnownIsNotReadAgain() throws {
        try Self.withPictures { folder in
            let cache = folder + "/cache"
            func first(_ kind: String) throws -> Image {
                try Self.describe(kind, .training, ".", ["PICTURES": folder, "HALCYON_CACHE": cache]).open(channels: 1, seed: 1).image(0)
            }
            func notes() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: cache).filter { $0.hasSuffix(".known") }.sorted() }
            let (one, two) = ("{kind: folder, path: \"${PICTURES}\", images: 1, crop: 8}", "{kind: folder, path: \"${PICTURES}/pairs/clean\", images: 1, crop: 8}")
            let picture = try first(one)
            let note = try #require(notes().first)
            let name = try #require(FileManager.default.contents(atPath: "\(cache)/\(note)"))
            let stranger = try first(two)
            #expect(picture != stranger)
            let other = try #require(notes().first { $0 != note })
            // Another entry's name in the note shows whether it is believed.
            let wrong = try #require(FileManager.default.contents(atPath: "\(cache)/\(other)"))
            func open(noteOf day: Date) throws -> Image {
                try wrong.write(to: URL(fileURLWithPath: "\(cache)/\(note)"))
                try FileManager.default.setAttributes([.modificationDate: day], ofItemAtPath: "\(cache)/\(note)")
                return try first(one)
            }
            #expect(try open(noteOf: Date(timeIntervalSince1970: 1e9)) == picture)
            #expect(FileManager.default.contents(atPath: "\(cache)/\(note)") == name)
            #expect(try open(noteOf: Date(timeIntervalSince1970: 5e9)) == stranger)
            // A file that changed has another note.
            try ImageFileTests.random(33, 33, 1, levels: 5).save(folder + "/a.PNG")
            #expect(try first(one) != picture && notes().count == 3)
        }
    }

    /// A file that is cut short while a training reads it is that training's error, and is made anew when it is opened again.
    @Test func aCacheThatIsCutShortIsALocatedError() throws {
        try Self.withPictures { folder in
            let cache = folder + "/cache"
            let description = try Self.describe("{kind: folder, path: \(folder), crop: 8}", .training, ".", ["HALCYON_CACHE": cache])
            let set = try description.open(channels: 1, seed: 1), picture = try set.image(2)
            let entry = try #require(FileManager.default.contentsOfDirectory(atPath: cache).first { $0.hasSuffix(".h5") })
            truncate("\(cache)/\(entry)", 100)
            let error = try #require(throws: InputError.self) { try set.image(2) }
            #expect(error.description.contains("\(entry): was cut short") && error.hint?.contains("made anew") == true)
            let source = BatchSource(images: set, noise: GaussianNoise(sigma: 5), crop: 8, batchSize: 2, seed: 1)
            let buffers = BatchSource.Buffers(for: source)
            defer { buffers.deallocate() }
            #expect(throws: InputError.self) { try source.batch(step: 1, into: buffers) }
            #expect(try description.open(channels: 1, seed: 1).image(2) == picture)
        }
    }

    /// Workers that start together write an entry once: who comes later finds it.
    @Test func aCacheIsWrittenOnce() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("halcyon-cache-" + UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for i in 0..<20 { try ImageFileTests.random(40, 40, 1, levels: 255).save("\(folder)/\(i).png") }
        let description = try Self.describe("{kind: folder, path: \(folder), crop: 8}", .training, ".", ["HALCYON_CACHE": folder + "/cache"])
        let sums = try await withThrowingTaskGroup(of: Float.self) { group in
            for _ in 0..<4 { group.addTask { try description.open(channels: 1, seed: 1).image(19).pixels.reduce(0, +) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(sums).count == 1)
        let entries = try FileManager.default.contentsOfDirectory(atPath: folder + "/cache")
        #expect(entries.filter { $0.hasSuffix(".h5") }.count == 1 && !entries.contains { $0.hasSuffix(".partial") })
    }

    @Test func pairsAreSplitByName() throws {
        try Self.withPictures { folder in
            func names(_ rest: String) throws -> [String] {
                let set = try Self.describe("{kind: pairs, path: \(folder)/pairs, noisy: \"*_real.png\", clean: \"clean/*.png\"\(rest), crop: 8}", .training)
                    .open(channels: 1, seed: 1)
                for i in 0..<set.count {
                    let noisy = try #require(try set.noisy(i))
                    #expect(try abs(peakSignalToNoise(noisy, set.image(i)) - 24) < 3, "partners: \(set.name(i))")
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

    /// SIDD has a folder a pair; the stars of all its parts name it.
    @Test func pairsMayHaveFoldersOfTheirOwn() throws {
        try withTemporaryFolder { folder in
            for (scene, camera) in [("001", "S6"), ("001", "GP"), ("002", "S6")] {
                let place = "\(folder)/Data/0001_\(scene)_\(camera)_100"
                try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                for name in ["NOISY", "GT"] { try ImageFileTests.random(8, 8, 1, levels: 255).save("\(place)/0001_\(name)_SRGB_010.png") }
            }
            try Data("notes".utf8).write(to: URL(fileURLWithPath: folder + "/Data/Scene_Instances.txt"))
            func names(_ rest: String = "") throws -> [String] {
                let text = "{kind: pairs, path: \(folder), noisy: \"Data/*/*_NOISY_SRGB_*.png\", clean: \"Data/*/*_GT_SRGB_*.png\"\(rest), crop: 8}"
                let set = try Self.describe(text, .training).open(channels: 1, seed: 1)
                return (0..<set.count).map(set.name)
            }
            #expect(try names() == ["0001_001_GP_100/0001/010", "0001_001_S6_100/0001/010", "0001_002_S6_100/0001/010"])
            #expect(try names(", only: [\"*_002_*\"]") == ["0001_002_S6_100/0001/010"])
            #expect(try names(", scene: \"*_(*)_*\", folds: 2, take: [2]") == ["0001_002_S6_100/0001/010"])
            for wrong in ["*", "Data/*/x_*", "Data/**/*_GT_SRGB_*.png", "Data//*/*_GT_SRGB_*.png", "Data/x/y.png"] {
                let error = Self.fault("{kind: pairs, path: \(folder), noisy: \"Data/*/*_NOISY_SRGB_*.png\", clean: \"\(wrong)\"}", .training)
                #expect(error?.location?.line == 1, "\(wrong)")
            }
        }
    }

    /// Every scene is in one fold, whatever its pictures are numbered, and each fold is another part of the whole.
    @Test func scenesAreSplitIntoFolds() throws {
        try withTemporaryFolder { folder in
            let scenes = ["Canon_chair", "Canon_toy", "Nikon_toy", "Sony_door", "Sony_plant", "Sony_wall", "Z_ball"]
            for (index, scene) in scenes.enumerated() {
                let parts = scene.split(separator: "_")
                for number in 1...1 + index % 3 {
                    for end in ["real", "mean"] {
                        try ImageFileTests.random(8, 8, 1, levels: 255).save("\(folder)/\(parts[0])_5_160_3200_\(parts[1])_\(number)_\(end).png")
                    }
                }
            }
            func open(_ rest: String) throws -> [String] {
                let set = try Self.describe("{kind: pairs, path: \(folder), noisy: \"*_real.png\", clean: \"*_mean.png\"\(rest), crop: 8}", .training)
                    .open(channels: 1, seed: 1)
                return (0..<set.count).map(set.name)
            }
            let rule = ", scene: \"(*)_*_*_*_(*)_*\", folds: 3"
            let all = try open(""), parts = try (1...3).map { try open("\(rule), take: [\($0)]") }
            #expect(parts.joined().sorted() == all)
            func scene(_ name: String) -> String { [0, 4].map { String(name.split(separator: "_")[$0]) }.joined(separator: "_") }
            let held = parts.map { Set($0.map(scene)) }
            #expect(held[0] == ["Canon_chair", "Sony_door", "Z_ball"] && held[1] == ["Canon_toy", "Sony_plant"])
            #expect(try Set(open("\(rule), take: [1, 2]")) == Set(parts[0] + parts[1]))
            #expect(try open("\(rule), take: [1], except: [\"Sony*\"]").allSatisfy { !$0.hasPrefix("Sony") })
            for wrong in [
                ", folds: 3, take: [1]", ", scene: \"*_*\", folds: 3, take: [1]", "\(rule)", "\(rule), take: []", "\(rule), take: [4]", ", take: [1]",
                ", scene: \"(*)-(*)\", folds: 3, take: [1]", ", scene: \"(*)*\"",
            ] {
                let error = try #require(throws: InputError.self, "\(wrong)") { try open(wrong) }
                #expect(error.location?.line == 1, "\(wrong)")
            }
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
            #expect(try set.image(1) == ImageFileTests.random(32, 40, 1, levels: 255))
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
            #expect(Self.fault("{kind: folder, path: \(folder)}", .training)?.message.contains("has no PNG, JPEG, TIFF or MATLAB file") == true)
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
            for i in 0..<4 { for j in 0..<4 { #expect(try training.image(i) != validation.image(j)) } }
        }
    }

    @Test func aSeedOfItsOwnReplacesTheCallers() throws {
        let own = try Self.describe("{kind: dead-leaves, images: 1, size: 16, crop: 16, seed: 9}", .training)
        let free = try Self.describe("{kind: dead-leaves, images: 1, size: 16, crop: 16}", .training)
        #expect(try free.open(channels: 1, seed: 1).image(0) != free.open(channels: 1, seed: 2).image(0))
        #expect(try own.open(channels: 1, seed: 1).image(0) == own.open(channels: 1, seed: 2).image(0))
    }
}
