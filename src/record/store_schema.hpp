/// The tables of study.sqlite, version 1 (docs/records.md).
#pragma once
#include "record/sqlite.hpp"

namespace haywatt::record {

/// Creates the tables and marks the file as ours, in one transaction.
void create_schema(Database& db);

/// Error(BadInput) unless the file is marked as ours, of this version, and holds exactly our tables: no view or trigger
/// that a stranger put under one of their names is ever run.
void check_schema(Database& db);

}  // namespace haywatt::record
