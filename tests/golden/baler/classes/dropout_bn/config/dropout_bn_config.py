def set_config(c):
    c.input_path = 'nowhere/dropout_bn.npz'
    c.model_name = 'AE_Dropout_BN'
    c.compression_ratio = 2.0
    c.batch_size = 4
    c.apply_normalization = True
    c.custom_norm = False
    c.extra_compression = False
    c.save_error_bounded_deltas = False
    c.error_bounded_requirement = 10
    c.convert_to_blocks = False
    c.separate_model_saving = False
    c.data_dimension = 1
