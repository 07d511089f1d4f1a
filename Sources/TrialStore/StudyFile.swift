import Documents
import Foundation
import GRDB

/// `DIR/study.sqlite`: where it is, whether it can be read, and errors in the reader's words.
enum StudyFile {
    static func path(_ directory: String) -> String { directory + "/study.sqlite" }

    /// Looks at the file's first bytes only, so that a file that is not ours or too new is left untouched.
    static func check(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw InputError(file: path, "no such file", hint: "name the folder of a study")
        }
        guard isRegularFile(path), let handle = FileHandle(forReadingAtPath: path) else {
            throw InputError(file: path, "cannot be read", hint: "expected a study's file: check its permissions")
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
            let reason = error.message ?? "SQLite error \(error.resultCode.rawValue)"
            switch error.resultCode {
            case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_NOMEM, .SQLITE_INTERRUPT, .SQLITE_MISUSE: throw error
            case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_PERM, .SQLITE_AUTH:
                throw InputError(file: path, reason, hint: "check the folder, its permissions and the free space")
            default: throw InputError(file: path, "is damaged, or no study: \(reason)", hint: "restore the file from a copy")
            }
        } catch is RowDecodingError {
            throw InputError(file: path, "is damaged: a value is not of its column's type", hint: "restore the file from a copy")
        }
    }
}
