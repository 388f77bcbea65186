#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "codec/baler/project/model_classes.hpp"
#include "codec/baler/project/python_config.hpp"
#include "codec/baler/project/type_list.hpp"
#include "data/utf8.hpp"
#include "haywatt/base/error.hpp"
#include "haywatt/data/npz_arrays.hpp"
#include "haywatt/data/statistics.hpp"
#include "haywatt/data/table_io.hpp"

namespace haywatt::baler {
namespace {

namespace fs = std::filesystem;

/// Baler names it PROJECT_config.py; a copied project may have kept another project's name.
std::string find_config(const fs::path& folder) {
  const fs::path config = folder / "config";
  if (!fs::is_directory(config))
    fail_input(folder.string() +
               " is no project of Baler: it has no folder config/ (give the folder that holds config/ and output/)");
  const fs::path usual = config / (fs::weakly_canonical(folder).filename().string() + "_config.py");
  if (fs::exists(usual)) return usual.string();
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(config))
    if (entry.path().string().ends_with("_config.py")) found.push_back(entry.path().string());
  if (found.size() != 1)
    fail_input(config.string() + " holds " + (found.empty() ? "no" : "more than one") + " *_config.py: one is needed");
  return found[0];
}

class Importer {
 public:
  Importer(const std::string& folder, std::array<std::uint32_t, 2> frame, std::vector<std::string>& notes)
      : folder_(folder),
        notes_(notes),
        config_path_(find_config(folder_)),
        config_(read_text_file(config_path_, 1 << 20), config_path_) {
    model_.frame = frame;
  }

  ProjectModel run() {
    remember(config_path_);
    read_settings();
    read_range();
    look_at_data();
    read_model();
    check();
    return std::move(model_);
  }

 private:
  [[nodiscard]] std::string output(const std::string& name) const { return (folder_ / "output" / name).string(); }
  /// The same of a file that training must have left.
  [[nodiscard]] std::string trained(const std::string& name) const {
    if (!fs::exists(folder_ / "output" / name))
      fail_input(folder_.string() + " is no trained project: output/" + name +
                 " is missing; train it with Baler first");
    return output(name);
  }
  void remember(const std::string& path) {
    model_.sources[fs::relative(path, folder_).generic_string()] = fmt::format("xxh3:{:016x}", xxh3_of_file(path));
  }

  void read_settings() {
    ProjectSettings& s = model_.settings;
    const auto dimension = config_.integer("data_dimension").value_or(1);
    if (dimension != 1 && dimension != 2)
      fail_input(config_path_ + ": data_dimension is " + std::to_string(dimension) + "; Baler knows 1 and 2");
    s.data_dimension = static_cast<std::uint32_t>(dimension);
    const auto batch = config_.integer("batch_size").value_or(512);
    if (batch < 1 || batch > (std::int64_t{1} << 40)) fail_input(config_path_ + ": batch_size must be positive");
    s.batch_size = static_cast<std::uint64_t>(batch);
    s.apply_normalization = config_.boolean("apply_normalization").value_or(false);
    s.custom_norm = config_.boolean("custom_norm").value_or(false);
    s.extra_compression = config_.boolean("extra_compression").value_or(false);
    s.error_bounded = config_.boolean("save_error_bounded_deltas").value_or(false);
    s.error_bound_percent = config_.number("error_bounded_requirement").value_or(0.0);
    if (s.error_bounded && !(s.error_bound_percent > 0.0))
      fail_input(config_path_ + ": save_error_bounded_deltas needs a positive error_bounded_requirement");
    if (config_.fields().find("save_error_bounded_deltas") == config_.fields().end())
      notes_.emplace_back("Baler itself cannot compress with this config: save_error_bounded_deltas is not set");
    if (const auto* blocks = config_.list("convert_to_blocks")) read_blocks(*blocks);
    if (const auto* types = config_.list("type_list")) read_types(*types);
  }

  void read_blocks(const std::vector<Literal>& blocks) {
    // The first entry is ignored, as Baler does.
    for (std::size_t i = 1; i < 3; ++i) {
      const std::int64_t* size = blocks.size() == 3 ? std::get_if<std::int64_t>(&blocks[i].value) : nullptr;
      if (size == nullptr || *size < 1 || *size > 1'000'000)
        fail_input(config_path_ + ": convert_to_blocks must be False or [1, height, width]");
      model_.settings.block[i - 1] = static_cast<std::uint32_t>(*size);
    }
    if (model_.settings.data_dimension != 2) fail_input(config_path_ + ": convert_to_blocks needs data_dimension 2");
    notes_.emplace_back("Baler itself cannot put blocks together again when it decompresses; haywatt does");
  }

  void read_types(const std::vector<Literal>& types) {
    for (const Literal& t : types) {
      const auto* name = std::get_if<std::string>(&t.value);
      if (name == nullptr || !column_cast(*name))
        fail_input(config_path_ + ": type_list holds " +
                   (name == nullptr ? "something else than a string" : data::quoted_name(*name)) +
                   ": known are numpy's names of integers, floats and bool");
      model_.settings.type_list.push_back(*name);
    }
    if (model_.settings.data_dimension == 2) {
      model_.settings.type_list.clear();
      notes_.emplace_back("type_list is ignored: the data are images");
    }
  }

  /// The size of the images and the names of the columns stand in no file of their own. Those that know them are looked
  /// at from the smallest on, and only while something is wanted, since all of a file is read to check it.
  void look_at_data() {
    const fs::path input = config_.string("input_path").value_or("");
    const fs::path workspaces = fs::weakly_canonical(folder_).parent_path().parent_path().parent_path();
    look_at(output("compressed_output/compressed.npz"), false);
    look_at(output("decompressed_output/decompressed.npz"), true);
    if (input.empty()) return;
    look_at((workspaces / input).string(), true);
    look_at(input.string(), true);
  }

  void look_at(const std::string& path, bool has_images) {
    const bool wants_frame = has_images && model_.settings.data_dimension == 2 && model_.frame[0] == 0;
    const bool wants_names = model_.settings.data_dimension == 1 && model_.names.empty();
    if (!(wants_frame || wants_names) || !fs::is_regular_file(path)) return;
    try {
      const NpzArrays file(path);
      if (wants_names && file.has("names")) model_.names = file.strings("names");
      if (!wants_frame || !file.has("data")) return;
      const auto& shape = file.array("data").shape;
      const std::size_t n = shape.size();
      if (n < 3 || shape[n - 1] > UINT32_MAX || shape[n - 2] > UINT32_MAX) return;
      model_.frame = {static_cast<std::uint32_t>(shape[n - 2]), static_cast<std::uint32_t>(shape[n - 1])};
    } catch (const Error& e) {
      notes_.push_back("not used: " + std::string(e.what()));
    }
  }

  void read_range() {
    if (!model_.settings.apply_normalization) return;
    const std::string path = trained("training/normalization_features.npy");
    const auto table = open_table(path);
    const ColumnInfo& c = table->schema().columns.empty() ? fail_range(path) : table->schema().columns[0];
    if (c.rows != 2) fail_range(path);
    const Chunk chunk = table->read(0, 2);
    const std::vector<double> values = to_doubles(c.dtype, chunk.columns[0].values);
    for (const double v : values)
      if (!std::isfinite(v)) fail_input(path + " holds NaN or infinity: the training data did");
    const auto half = static_cast<std::ptrdiff_t>(values.size() / 2);
    model_.minimum.assign(values.begin(), values.begin() + half);
    model_.range.assign(values.begin() + half, values.end());
    model_.range_type = c.dtype;
    model_.range_type.big_endian = false;
    if (c.inner_shape.size() == 2 && model_.frame[0] == 0 && model_.settings.block[0] == 0)
      model_.frame = {static_cast<std::uint32_t>(c.inner_shape[0]), static_cast<std::uint32_t>(c.inner_shape[1])};
    remember(path);
  }
  [[noreturn]] static const ColumnInfo& fail_range(const std::string& path) {
    fail_input(path + " is not an array of two rows, minimum and range");
  }

  void read_final_layer(ImageHints& hints) const {
    const std::string path = output("training/final_layer.npy");
    // Of PJ_Conv_AE it is a pickled module: code, and not needed.
    if (config_.string("model_name") == "PJ_Conv_AE" || !fs::is_regular_file(path)) return;
    const auto table = open_table(path);
    if (table->schema().columns.empty() || table->schema().columns[0].rows != 4 ||
        table->schema().columns[0].layout != Layout::Flat)
      fail_input(path + " is not the shape of a batch of images (four numbers)");
    const auto shape = to_doubles(table->schema().columns[0].dtype, table->read(0, 4).columns[0].values);
    for (std::size_t i = 0; i < 3; ++i) {
      if (!(shape[i + 1] >= 1 && shape[i + 1] <= 1e6)) fail_input(path + " holds an absurd shape");
      hints.final_layer[i] = static_cast<std::uint32_t>(shape[i + 1]);
    }
  }

  void read_model() {
    const auto name = config_.string("model_name");
    if (!name) fail_input(config_path_ + " sets no model_name");
    ImageHints hints;
    const auto& block = model_.settings.block;
    hints.frame = block[0] != 0 ? block : model_.frame;
    read_final_layer(hints);
    if (config_.boolean("separate_model_saving").value_or(false)) {
      const std::string encoder = trained("compressed_output/encoder.pt"),
                        decoder = trained("compressed_output/decoder.pt");
      const StateDict encoder_file(encoder), decoder_file(decoder);
      build_model(*name, Tensors(encoder_file, "encoder.", decoder_file, "decoder."), hints, model_, notes_);
      notes_.emplace_back(
          "separate_model_saving: Baler itself finds no weight in encoder.pt and decoder.pt (their names lack the "
          "prefix "
          "that it loads by) and compresses with fresh random ones, so latents that it made of this project are noise; "
          "haywatt uses the trained weights");
      remember(encoder);
      remember(decoder);
      return;
    }
    const std::string path = trained("compressed_output/model.pt");
    const StateDict file(path);
    build_model(*name, Tensors(file), hints, model_, notes_);
    remember(path);
  }

  void check() {
    const std::uint64_t features = model_.features();
    if (!model_.minimum.empty() && model_.minimum.size() != features)
      fail_input(output("training/normalization_features.npy") + " describes " + std::to_string(model_.minimum.size()) +
                 " columns, the model has " + std::to_string(features));
    const auto& types = model_.settings.type_list;
    if (!types.empty() && types.size() != features)
      fail_input(config_path_ + ": type_list names " + std::to_string(types.size()) + " columns, the model has " +
                 std::to_string(features));
    if (model_.settings.data_dimension == 1 && !model_.names.empty() && model_.names.size() != features) {
      notes_.push_back("the column names found are not used: they are " + std::to_string(model_.names.size()) +
                       ", the model has " + std::to_string(features) + " columns");
      model_.names.clear();
    }
    if (model_.convolutional && model_.settings.error_bounded)
      notes_.emplace_back("Baler itself cannot save corrections of convolutional models; haywatt does");
    if (model_.convolutional) {
      const Shape& image = model_.encoder.front().in;
      const std::array<std::uint32_t, 2> wanted = {image.height, image.width};
      if (model_.settings.block[0] != 0 ? model_.settings.block != wanted
                                        : model_.frame[0] != 0 && model_.frame != wanted)
        fail_input("the model is for images of " + std::to_string(image.height) + " x " + std::to_string(image.width) +
                   ", the data have others");
      if (model_.settings.block[0] == 0) model_.frame = wanted;
    } else if (model_.settings.data_dimension == 2) {
      const auto& size = model_.settings.block[0] != 0 ? model_.settings.block : model_.frame;
      if (size[0] != 0 && std::uint64_t{size[0]} * size[1] != features)
        fail_input("the model is for images of " + std::to_string(features) + " values, those of the data have " +
                   std::to_string(size[0]) + " x " + std::to_string(size[1]));
      if (model_.frame[0] == 0)
        notes_.emplace_back(
            "the size of the images is unknown (no input file, nothing decompressed): decompress writes "
            "them flat; give it with --frame HEIGHTxWIDTH");
    }
    if (model_.settings.apply_normalization && model_.settings.custom_norm)
      notes_.emplace_back(
          "custom_norm: Baler itself does not normalise but un-normalises all the same; haywatt does neither");
  }

  fs::path folder_;
  std::vector<std::string>& notes_;
  std::string config_path_;
  PythonConfig config_;
  ProjectModel model_;
};

}  // namespace

ProjectModel import_project(const std::string& folder, std::array<std::uint32_t, 2> frame,
                            std::vector<std::string>& notes) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) fail_errno("cannot open " + folder, errno);
  return Importer(folder, frame, notes).run();
}

}  // namespace haywatt::baler
