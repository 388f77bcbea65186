#include "trace/sampling/unwinder.hpp"

namespace haywatt::trace {
namespace {

constexpr int most_frames = 1'000;
constexpr std::size_t most_known_addresses = 200'000;

/// The caller by the chain that frame pointers form: [fp] is the caller's, [fp + 8] where it goes on.
bool step_by_frame_pointer(const StackCopy& stack, Registers& registers) {
  const std::uint64_t fp = registers.value[frame_pointer];
  std::uint64_t next = 0, pc = 0;
  if (fp < registers.sp() || !stack.read(fp, next) || !stack.read(fp + 8, pc)) return false;
  registers.value[stack_pointer] = fp + 16;
  registers.value[frame_pointer] = next;
  registers.pc = pc;
  return true;
}

}  // namespace

Unwinder::Place Unwinder::place_of(pid_t pid, AddressSpace& space, std::uint64_t pc) {
  Mapping* mapping = space.find(pc);
  if (mapping == nullptr) return {};
  if (mapping->code == nullptr) mapping->code = &files_.find(mapping->file, pid);
  CodeFile& file = *mapping->code;
  const std::uint64_t offset = pc - mapping->start + (file.is_vdso() ? 0 : mapping->file_offset);
  if (file.image() == nullptr) return {&file, offset};
  return {&file, file.image()->address_at(offset).value_or(UINT64_MAX)};
}

std::uint32_t Unwinder::frame_of(const Place& place) {
  if (place.file == nullptr) return builder_.frame({"[unknown]", "", "", 0});
  const auto known = place.file->frames.find(place.address);
  if (known != place.file->frames.end()) return known->second;
  if (place.file->frames.size() >= most_known_addresses) place.file->frames.clear();
  std::string function = "[unknown]";
  if (ElfImage* image = place.file->image(); image != nullptr)
    if (const auto name = image->function_at(place.address); !name.empty()) function = name;
  const std::uint32_t number = builder_.frame({function, place.file->module(), "", 0});
  place.file->frames.emplace(place.address, number);
  return number;
}

std::uint32_t Unwinder::made_frame(pid_t pid, std::uint64_t pc) {
  const std::string_view name = jit_names_.find(pid, pc);
  return builder_.frame({name.empty() ? "[unknown]" : std::string(name), "made at run time", "", 0});
}

bool Unwinder::walk(pid_t pid, AddressSpace& space, Registers registers, const StackCopy& stack,
                    std::vector<std::uint32_t>& frames) {
  // A call may be the last instruction of its function: what it returns to is then another's first.
  std::uint64_t back = 0;
  for (int depth = 0; depth < most_frames; ++depth) {
    const Place place = place_of(pid, space, registers.pc - back);
    // A caller without code is a word that was no return address.
    if (place.file == nullptr && depth > 0) return false;
    frames.push_back(is_made(place) ? made_frame(pid, registers.pc - back) : frame_of(place));
    const std::uint64_t sp = registers.sp();
    const UnwindRow* row = nullptr;
    if (place.file != nullptr && place.file->image() != nullptr) row = place.file->image()->row_at(place.address);
    if (row != nullptr) {
      if (row->return_address.kind == UnwindRule::Kind::Undefined) return true;  // the outermost says so
      if (!step_by_row(*row, stack, registers)) return false;
    } else if (depth == 0 && place.file == nullptr && stack.read(sp, registers.pc)) {
      registers.value[stack_pointer] = sp + 8;  // a call of what is no code left its return address there
    } else if (!step_by_frame_pointer(stack, registers)) {
      return false;
    }
    if (registers.pc == 0) return true;
    if (registers.sp() < sp || (registers.sp() == sp && depth > 0)) return false;  // stacks are left upwards
    back = row != nullptr && row->signal_frame ? 0 : 1;
  }
  return false;
}

}  // namespace haywatt::trace
