import Foundation
import Testing

/// Studies, and results in places where they cannot be.
let malformedStudies: [MalformedInput] = [
    MalformedInput("a study that is there", "search {experiment} --out {study}", says: ["{study}: holds a study already", "halcyon resume"]),
    MalformedInput(
        "a study below a file", "search {experiment} --out {photo}/study",
        says: ["photo.png/study: the folder cannot be made", "choose another folder"]),
    MalformedInput(
        "a training below a file", "train {net} --experiment {experiment} --out {photo}/t",
        says: ["photo.png/t: the folder cannot be made", "choose another folder"]),
    MalformedInput("no study", "resume {here}", says: ["{here}: is not the folder of a study", "name the folder"]),
    MalformedInput("no study to replay", "replay {here}", says: ["{here}: is not the folder of a study", "name the folder"]),
    MalformedInput("no checkpoint", "train {net} --experiment {experiment} --out {here} --resume", says: ["there is no checkpoint.h5", "--resume"]),
    MalformedInput("no such trial", "denoise {study}#99 {photo} {here}/o.png", says: ["trial 99", "these have one: 0, 1"]),
    MalformedInput("a trial of no study", "denoise {here}#0 {photo} {here}/o.png", says: ["{here}#0: expected DIR#NUMBER"]),
    MalformedInput("a study of a newer version", "resume {here}/study", says: ["study.sqlite: has version 9", "use a newer release"]) {
        try $0.patchStudy("study.sqlite", at: 60, [0, 0, 0, 9])
    },
    MalformedInput("a front of a newer version", "pareto {here}/study", says: ["study.sqlite: has version 9", "use a newer release"]) {
        try $0.patchStudy("study.sqlite", at: 60, [0, 0, 0, 9])
    },
    MalformedInput("a study that is no database", "resume {here}/study", says: ["study.sqlite: is not a study: expected an SQLite file"]) {
        try $0.patchStudy("study.sqlite", at: 0, Array("garbage".utf8))
    },
    MalformedInput("a study's experiment cut short", "resume {here}/study", says: ["experiment.yaml:"]) { bench in
        try bench.copyStudy()
        try bench.write("study/experiment.yaml", try bench.bytes(bench.study + "/experiment.yaml").prefix(60))
    },
    MalformedInput("a study of another budget", "resume {study} --trials 0", says: ["--trials: expected 1 to", "halcyon resume --help"]),
    MalformedInput("no study for a front", "pareto {here}", says: ["{here}: no study here", "name the folder of a study"]),
] + damagedValues

/// Where the program of that name is, these studies are damaged with it.
private let sqlite = "/usr/bin/sqlite3"

private let damagedColumns: [(table: String, column: String)] =
    FileManager.default.isExecutableFile(atPath: sqlite)
    ? [("hypervolume", "value"), ("pareto_front", "threshold"), ("measurements", "value")] : []

/// Text where the columns of a study's tables have numbers.
private let damagedValues: [MalformedInput] = damagedColumns.map { (table, column) in
    MalformedInput(
        "text in \(table).\(column)", "pareto {here}/study",
        says: ["study.sqlite: is damaged: a value is not of its column's type", "restore the file from a copy"]
    ) { bench in
        try bench.copyStudy()
        let process = try Process.run(
            URL(fileURLWithPath: sqlite), arguments: [bench.here + "/study/study.sqlite", "UPDATE \(table) SET \(column) = 'abc'"])
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }
}
