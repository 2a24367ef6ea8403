from grcnn_ocr.training.monitor import StepReport, TensorBoardMonitor


def test_tensorboard_has_a_report_at_once(tmp_path):
    monitor = TensorBoardMonitor(tmp_path)
    for step in (10, 20):
        monitor.on_steps(StepReport(step, 100, 1.5, 1e-3, 2.0, 300.0, 0.1))
    [file] = tmp_path.iterdir()
    assert file.read_bytes().count(b"train/data_wait") == 2
