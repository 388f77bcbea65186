def set_config(c):
    c.input_path = 'nowhere/conv.npz'
    c.model_name = 'Conv_AE'
    c.compression_ratio = 2.0
    c.batch_size = 4
    c.apply_normalization = False
    c.custom_norm = False
    c.extra_compression = False
    c.save_error_bounded_deltas = False
    c.error_bounded_requirement = 10
    c.convert_to_blocks = False
    c.separate_model_saving = False
    c.data_dimension = 2
    c.model_type = 'convolutional'
