"""mien on the device: frames in, events out. Never imports ``train`` or ``quantize``, never TensorFlow."""
