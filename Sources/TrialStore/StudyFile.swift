import Documents
import Foundation
import GRDB

/// `DIR/study.sqlite`: where it is, whether it can be read, and errors in the reader's words.
enum StudyFile {
    static func path(_ directory: String) -> String { directory + "/study.sqlite" }

    /// Looks at the file's first bytes only, so that a file that is not ours or too new is left untouched.
    static func check(_ path: String) throws {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw InputError(file: path, FileManager.default.fileExists(atPath: path) ? "cannot be read" : "no such file")
        }
        defer { try? handle.close() }
        let header = try handle.read(upToCount: 100) ?? Data()
        if header.isEmpty { return }
        guard header.count == 100, header.prefix(16) == Data("SQLite format 3\0".utf8) else {
            throw InputError(file: path, "is not a study: expected an SQLite file", hint: "restore it from a copy")
        }
        try check(version: header[60..<64].reduce(0) { $0 << 8 | Int($1) }, path)
    }

    static func check(version: Int, _ path: String) throws {
        guard version <= StudySchema.version else {
            throw InputError(
                file: path, "has version \(version) of the format, this program knows \(StudySchema.version)",
                hint: "use a newer release of halcyon")
        }
    }

    /// Turns SQLite's complaints about the file itself into errors that name it.
    static func naming<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DatabaseError {
            switch error.resultCode {
            case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_FULL, .SQLITE_IOERR:
                throw InputError(file: path, error.message ?? "SQLite error \(error.resultCode.rawValue)")
            default: throw error
            }
        }
    }
}
