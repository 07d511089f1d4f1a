import Documents
import Evaluation
import Execution
import Foundation
import Imaging
import Networks
import RandomStreams
import SearchSpaces
import Search
import Training
import Trials

/// Makes a folder for results, with the folders above it.
/// - Throws: `InputError` that says why it cannot be made.
func makeFolder(_ path: String) throws {
    do {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
        let failure = fileFailure(path, "the folder cannot be made", error)
        if failure is StorageFailure { throw failure }
        let reason = (error as NSError).code == CocoaError.fileWriteFileExists.rawValue
            ? "a file stands in its way" : error.localizedDescription
        throw InputError(file: path, "the folder cannot be made: \(reason)", hint: "choose another folder, where you may write")
    }
}

/// An experiment file with everything in it that a study or a training needs: paths absolute, the space inline.
struct ResolvedExperiment {
    var document: Document
    let folder: String
    /// The folder of the space's file; nil where the space stands in the experiment itself.
    private(set) var spaceFolder: String?

    private static let networkKeys = [
        "halcyon", "space", "data", "noise", "recipe", "metrics", "second-stage", "latency", "zero-cost", "simulation",
    ]

    /// Reads the file and refuses unknown keys. `${NAME}` in paths is replaced from the environment.
    init(path: String) throws {
        document = try Document.load(path)
        try document.checkVersion()
        try document.allowOnly(Self.networkKeys + StudySettings.keys)
        folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        try inlineSpace()
        try resolveCommand()
        try resolvePaths()
    }

    /// Reads `DIR/experiment.yaml` of a study.
    init(study directory: String) throws {
        let path = directory + "/experiment.yaml"
        guard FileManager.default.fileExists(atPath: path) else {
            throw InputError(file: directory, "is not the folder of a study: it has no experiment.yaml", hint: "name the folder that `halcyon search --out` made")
        }
        try self.init(path: path)
    }

    /// The space is a file, `{file: FILE, preset: NAME}`, or the space itself; the files that it includes are taken in.
    private mutating func inlineSpace() throws {
        guard let space = try document.optional("space") else { return }
        var source = space
        var preset: Document?
        if case .object = space.value {
            guard let file = space["file"], space["template"] == nil else {
                document["space"] = try SpaceIncludes.resolved(space)
                return
            }
            try space.allowOnly(["file", "preset"])
            (source, preset) = (file, try space.optional("preset"))
        }
        let name = try source.string("space")
        let path = name.hasPrefix("/") ? name : "\(folder)/\(name)"
        guard FileManager.default.fileExists(atPath: path) else { throw source.fail("space: no such file: \(path)", hint: "name a space file, from the experiment's folder on") }
        let found = try Document.load(path)
        document["space"] = try SearchSpace(preset.map { try found.with(preset: $0) } ?? found).document
        spaceFolder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    }

    /// Words of a worker's command line that name files of the experiment's folder are made absolute, so that the study runs from
    /// anywhere. A program without a slash is looked for as a shell does.
    private mutating func resolveCommand() throws {
        guard let command = try document.optional("command") else { return }
        let words = try command.array("command").enumerated().map { index, item in
            let word = try item.string("command")
            let path = URL(fileURLWithPath: "\(folder)/\(word)").standardizedFileURL.path
            let isLocal = !word.isEmpty && !word.hasPrefix("/") && (index > 0 || word.contains("/"))
            return isLocal && FileManager.default.fileExists(atPath: path) ? Document(.string(path), at: item.location) : item
        }
        document["command"] = Document(.array(words), at: command.location)
    }

    private mutating func resolvePaths() throws {
        // A worker in another language reads its own data, if any.
        guard try document.optional("command") == nil else { return }
        for key in ["data", "recipe", "second-stage"] {
            guard let section = try document.optional(key) else { continue }
            document[key] = try Self.resolved(section, in: folder)
        }
        if let metrics = try document.optional("metrics") { document["metrics"] = try Self.resolvedWeights(metrics, in: folder) }
    }

    /// A file as an experiment of this folder names it, absolute; `${NAME}` is replaced from the environment.
    static func absolute(_ file: Document, in folder: String) throws -> Document {
        let place = DatasetPlace(baseFolder: folder, environment: ProcessInfo.processInfo.environment)
        return Document(.string(URL(fileURLWithPath: try place.path(file)).standardizedFileURL.path), at: file.location)
    }

    /// The list of metrics with the files of their weights, `{stlpips: FILE}`, absolute.
    private static func resolvedWeights(_ metrics: Document, in folder: String) throws -> Document {
        let items = try metrics.array("metrics").map { item -> Document in
            guard case .object(let fields) = item.value else { return item }
            let resolved = try fields.map { field -> Document.Field in
                var field = field
                if case .array(let files) = field.value.value {
                    field.value.value = .array(try files.map { try absolute($0, in: folder) })
                } else {
                    field.value = try absolute(field.value, in: folder)
                }
                return field
            }
            return Document(.object(resolved), at: item.location)
        }
        return Document(.array(items), at: metrics.location)
    }

    /// A part of an experiment in which every `path`, at any depth, is absolute.
    private static func resolved(_ document: Document, in folder: String) throws -> Document {
        guard case .object(let fields) = document.value else { return document }
        var result = document
        for field in fields {
            result[field.key] = try field.key == "path" ? absolute(field.value, in: folder) : resolved(field.value, in: folder)
        }
        return result
    }

    /// Takes another recipe from a file.
    mutating func replaceRecipe(by path: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        document["recipe"] = try Self.resolved(Document.load(path), in: folder)
    }

    func training() throws -> TrainingExperiment {
        try TrainingExperiment(document, environment: ProcessInfo.processInfo.environment, baseFolder: folder)
    }

    /// Whether the workers are ours and train networks: neither foreign ones nor a table.
    func trainsNetworks() throws -> Bool { try document.optional("command") == nil && !TableDescription.isOne(document) }

    /// The table that stands for training, where there is one, checked against space, fidelity and objectives.
    /// - Throws: `InputError` at the experiment's part or the table's line that is at fault.
    func table() throws -> Table? {
        guard TableDescription.isOne(document), try document.optional("command") == nil else { return nil }
        let description = try TableDescription(document.required("data"))
        let settings = try settings()
        try description.check(settings.fidelity.rungs, at: document.optional("fidelity") ?? document.required("data"))
        for key in ["objectives", "constraints"] {
            for item in try document.optional(key)?.array(key) ?? [] {
                _ = try item.required("metric").word("the metric of \(key)", of: description.metricNames)
            }
        }
        let table = try Table(description)
        let space = try space()
        var stream = RandomStream(seed: 0)
        let sample = space.resolve(space.sample(using: &stream))
        for decision in description.decisions where sample[decision.column] == nil {
            throw decision.source.fail(
                "decisions: the space's template has no field \"\(decision.column)\"", hint: "name the template's fields as the table's columns")
        }
        return table
    }

    /// What tells the identity of candidates.
    func inspector(_ table: Table?) throws -> any CandidateInspector {
        if let table { return TableInspector(table) }
        return try trainsNetworks() ? NetworkInspector(experiment: training(), fidelity: settings().fidelity) : DocumentInspector()
    }

    func space() throws -> SearchSpace { try SearchSpace(document.required("space")) }

    func settings() throws -> StudySettings { try StudySettings(experiment: document) }

    /// The study in a folder, before its first event.
    func study(in directory: String, inspector: any CandidateInspector) throws -> Study {
        try Study(settings(), space: space(), inspector: inspector, folder: directory)
    }

    /// Replaces one number of the experiment, as an option of the command line asks.
    mutating func override(_ key: String, in parent: String? = nil, with value: Document?) {
        guard let value else { return }
        if let parent {
            var section = document[parent] ?? [:]
            section[key] = value
            document[parent] = section
        } else {
            document[key] = value
        }
    }

    /// Writes the file unless it is there as it should be.
    func write(to path: String) throws {
        let bytes = Array(document.yaml.utf8)
        if FileManager.default.contents(atPath: path) == Data(bytes) { return }
        try replaceFile(path, with: bytes)
    }
}
