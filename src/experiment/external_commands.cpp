#include "experiment/external_commands.hpp"

namespace haywatt::experiment {

const char* key_of(Step step) {
  switch (step) {
    case Step::Train:
      return "train";
    case Step::Compress:
      return "compress";
    case Step::Decompress:
      return "decompress";
    case Step::Version:
      break;
  }
  return "version";
}

const char* phase_of(Step step) {
  if (step == Step::Compress) return "encode";
  return step == Step::Decompress ? "decode" : "train";
}

CommandTemplate command_template(const ExternalMethod& method, Step step) {
  switch (step) {
    case Step::Train:
      return {method.train,
              {"in", "model", "work", "plan", "threads", "rows", "columns", "bound", "epsilon", "bounds"}};
    case Step::Compress:
      return {method.compress,
              {"in", "out", "model", "work", "plan", "threads", "rows", "columns", "bound", "epsilon", "bounds"}};
    case Step::Decompress:
      return {method.decompress, {"in", "out", "model", "work", "plan", "threads", "rows", "columns"}};
    case Step::Version:
      break;
  }
  return {method.version, {"plan"}};
}

}  // namespace haywatt::experiment
